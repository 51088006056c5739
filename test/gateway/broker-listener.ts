/** A plain MQTT client that keeps all that it hears. */
import mqtt, { type MqttClient } from "mqtt";

export interface HeardMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export class BrokerListener implements AsyncDisposable {
  readonly #client: MqttClient;
  readonly messages: HeardMessage[] = [];

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload) => {
      this.messages.push({ topic, payload: new Uint8Array(payload) });
    });
  }

  /** Subscribed when it resolves. Who wants to publish as a gateway gives that one's name. */
  static async connected(
    port: number,
    filters: ReadonlyArray<string>,
    clientId = "listener",
  ): Promise<BrokerListener> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    const listener = new BrokerListener(client);
    if (filters.length > 0) await client.subscribeAsync([...filters], { qos: 1 });
    return listener;
  }

  /** Acknowledged by the broker when it resolves. */
  async publish(topic: string, payload: Uint8Array | string): Promise<void> {
    const content = typeof payload === "string" ? payload : Buffer.from(payload);
    await this.#client.publishAsync(topic, content, { qos: 1 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}
