/** A TCP connection that can be cut and mended: the network between one gateway and the broker. */
import { createServer, connect, type Socket } from "node:net";

export interface CuttableWire {
  readonly port: number;
  readonly isCut: () => boolean;
  readonly setCut: (cut: boolean) => void;
  readonly close: () => void;
}

export const layWire = (brokerPort: number): Promise<CuttableWire> => {
  const sockets = new Set<Socket>();
  let cut = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer({ noDelay: true }, (gateway) => {
    if (cut) {
      gateway.destroy();
      return;
    }
    const broker = connect({ port: brokerPort, host: "127.0.0.1", noDelay: true });
    join(gateway, broker);
    join(broker, gateway);
  });
  const setCut = (wanted: boolean): void => {
    cut = wanted;
    if (cut) for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const close = (): void => {
        setCut(true);
        server.close();
      };
      resolve({ port, isCut: () => cut, setCut, close });
    });
  });
};
