/** Taps without end on the demonstration's gateways, and the account of them: none lost, none invented. */
import * as E from "fp-ts/lib/Either.js";
import { askGateway } from "#gateway/control/client.ts";
import type { DemoFleet, DemoGateway } from "#gateway/demo/demo-fleet.ts";

const DEVICES: ReadonlyArray<{ readonly device: string; readonly uid: string }> = Array.from(
  { length: 8 },
  (_, index) => ({ device: `cart-${index + 1}`, uid: `04A1B2C3D4E5F${index}` }),
);

export class DemoTaps {
  readonly #fleet: DemoFleet;
  #turn = 0;
  /** Accepted, and said to be on disk. */
  recorded = 0;
  /** Sent, and the gateway died before it answered: on disk or not, either is right. */
  unanswered = 0;

  constructor(fleet: DemoFleet) {
    this.#fleet = fleet;
  }

  /** Enrols the devices at the first gateway; the others learn of them as of anything. */
  async enrol(): Promise<void> {
    const [first] = this.#fleet.gateways;
    for (const { device, uid } of DEVICES) {
      if (first !== undefined) {
        await askGateway(first.socket, { verb: "enrol", device, uid, user: "demo" });
      }
    }
  }

  /** One tap, at the gateway whose turn it is. */
  async tap(): Promise<void> {
    const { gateways } = this.#fleet;
    const gateway = gateways[this.#turn % gateways.length];
    const thing = DEVICES[Math.floor(this.#turn / gateways.length) % DEVICES.length];
    this.#turn += 1;
    if (gateway === undefined || thing === undefined) return;
    const request = { verb: "tap", card: "ntag215", uid: thing.uid, reader: null } as const;
    const tap = await askGateway(gateway.socket, request);
    if (E.isRight(tap)) {
      if (tap.right.verdict === "accepted" && tap.right.record !== null) this.recorded += 1;
    } else if (tap.left._tag === "ConnectionLost") this.unanswered += 1;
  }
}

/** Accepted taps that a gateway's state has counted: each adds one to its device's visits. */
export const visitsAt = async (gateway: DemoGateway): Promise<number | null> => {
  const rows = await askGateway(gateway.socket, { verb: "devices", after: "" });
  if (E.isLeft(rows)) return null;
  return rows.right.reduce((sum, { values }) => sum + Number(values["visits"] ?? 0), 0);
};
