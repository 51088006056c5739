/** What a message to a peer can't be faster than: from one MQTT client through a broker's process to another. */
import mqtt, { type MqttClient } from "mqtt";
import { startBrokerChild, type BrokerChild } from "#test/contract/broker-child.ts";
import { nowMs } from "#test/bench/clock.ts";

/** A Range with one tap is about twice this: record, checkpoint, frame. */
const PAYLOAD = Buffer.alloc(300, 1);
const TOPIC = "sender/hop";

const connect = async (port: number, clientId: string): Promise<MqttClient> => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId });
  if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") {
    client.stream.setNoDelay(true);
  }
  return client;
};

export class MqttHop implements AsyncDisposable {
  readonly #broker: BrokerChild;
  readonly #sender: MqttClient;
  readonly #receiver: MqttClient;

  private constructor(broker: BrokerChild, sender: MqttClient, receiver: MqttClient) {
    this.#broker = broker;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  static async start(): Promise<MqttHop> {
    const broker = await startBrokerChild("tapmesh");
    const sender = await connect(broker.port, "sender");
    const receiver = await connect(broker.port, "receiver");
    await receiver.subscribeAsync(TOPIC, { qos: 1 });
    return new MqttHop(broker, sender, receiver);
  }

  /** From the call of publish until the other client has the message, ms. */
  async measure(qos: 0 | 1): Promise<number> {
    const received = new Promise<number>((resolve) => {
      this.#receiver.once("message", () => resolve(nowMs()));
    });
    const startMs = nowMs();
    this.#sender.publish(TOPIC, PAYLOAD, { qos });
    return (await received) - startMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#sender.endAsync(true), this.#receiver.endAsync(true)]);
    await this.#broker.kill();
  }
}
