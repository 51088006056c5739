/** What a message to a peer can't be faster than: from one MQTT client through a broker's process to another. */
import mqtt, { type MqttClient } from "mqtt";
import { startBrokerChild, type BrokerChild } from "#test/contract/broker-child.ts";
import { nowMs } from "#test/bench/clock.ts";

/** A Range with one tap is about twice this: record, checkpoint, frame. */
const PAYLOAD = Buffer.alloc(300, 1);
/** Where the sender may write by the rule of the tests' broker, and by that of gateways' brokers. */
const TEST_TOPIC = "sender/hop";
const FLEET_TOPIC = "tapmesh/main/sender/hop";

const connect = async (port: number, clientId: string): Promise<MqttClient> => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId });
  if ("setNoDelay" in client.stream && typeof client.stream.setNoDelay === "function") {
    client.stream.setNoDelay(true);
  }
  return client;
};

const connectBoth = async (
  port: number,
  topic: string,
): Promise<{ readonly sender: MqttClient; readonly receiver: MqttClient }> => {
  const sender = await connect(port, "sender");
  const receiver = await connect(port, "receiver");
  await receiver.subscribeAsync(topic, { qos: 1 });
  return { sender, receiver };
};

export class MqttHop implements AsyncDisposable {
  readonly #broker: BrokerChild | null;
  readonly #topic: string;
  readonly #sender: MqttClient;
  readonly #receiver: MqttClient;

  private constructor(
    broker: BrokerChild | null,
    clients: { readonly sender: MqttClient; readonly receiver: MqttClient },
    topic: string,
  ) {
    this.#broker = broker;
    this.#sender = clients.sender;
    this.#receiver = clients.receiver;
    this.#topic = topic;
  }

  /** Through a broker of its own: aedes, in a process that has nothing else to do. */
  static async start(): Promise<MqttHop> {
    const broker = await startBrokerChild("tapmesh");
    return new MqttHop(broker, await connectBoth(broker.port, TEST_TOPIC), TEST_TOPIC);
  }

  /** Through a broker that runs, and serves others meanwhile. */
  static async through(port: number): Promise<MqttHop> {
    return new MqttHop(null, await connectBoth(port, FLEET_TOPIC), FLEET_TOPIC);
  }

  /** From the call of publish until the other client has the message, ms. */
  async measure(qos: 0 | 1): Promise<number> {
    const received = new Promise<number>((resolve) => {
      this.#receiver.once("message", () => resolve(nowMs()));
    });
    const startMs = nowMs();
    this.#sender.publish(this.#topic, PAYLOAD, { qos });
    return (await received) - startMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#sender.endAsync(true), this.#receiver.endAsync(true)]);
    await this.#broker?.kill();
  }
}
