/** Two gateways that have never heard of each other, and a tag that is carried from one to the other. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { TapView, WatchEvent } from "#gateway/control/protocol.ts";
import { DEBOUNCE_MS } from "#core/verdict/debounce.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedNtag215, NTAG213 } from "#gateway/reader/emulated/type2-models.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { FakePn532 } from "#test/pn532/fake-pn532.ts";

let cleanup: AsyncDisposableStack;
beforeEach(() => {
  cleanup = new AsyncDisposableStack();
});
afterEach(() => cleanup.disposeAsync());

type TapEvent = Extract<WatchEvent, { readonly event: "tap" }>;
type CarriedEvent = Extract<WatchEvent, { readonly event: "carried" }>;

/** A gateway with a PN532 whose field the test has in its hands. */
class Site {
  readonly gateway: GatewayProcess;
  readonly #fake: FakePn532;
  #events: ReadonlyArray<WatchEvent> = [];

  private constructor(fake: FakePn532, gateway: GatewayProcess) {
    this.#fake = fake;
    this.gateway = gateway;
  }

  static async started(fleet: TestFleet, name: string): Promise<Site> {
    const fake = cleanup.use(await FakePn532.started());
    const site = new Site(fake, fleet.gateway(name, { readers: [], lines: linesFor(fake) }));
    return site.start();
  }

  async start(): Promise<this> {
    await this.gateway.start();
    this.#events = await this.gateway.watch();
    await eventuallyTrue("the reader up", async () =>
      (await this.gateway.status()).readers.every(({ up }) => up),
    );
    return this;
  }

  /** The same gateway, from now on with a broker. */
  async connected(fleet: TestFleet, port: number): Promise<Site> {
    const name = (await this.gateway.status()).gateway;
    await this.gateway.stop();
    const lines = linesFor(this.#fake);
    const gateway = fleet.gateway(name, { readers: [], brokers: [{ port }], lines });
    return new Site(this.#fake, gateway).start();
  }

  #taps(): ReadonlyArray<TapView> {
    return this.#events.flatMap((event) => (isTap(event) ? [event.tap] : []));
  }

  #carried(): ReadonlyArray<string> {
    return this.#events.flatMap((event) => (isCarried(event) ? [event.outcome] : []));
  }

  /** A tap for as long as it takes, until the tag carries what is known here (`outcome`), or as long as a verdict takes. */
  async tap(card: EmulatedCard, outcome: string | null): Promise<TapView> {
    const [taps, carried] = [this.#taps().length, this.#carried().length];
    this.#fake.hold(card);
    const tap = await eventually("a tap", () => Promise.resolve(this.#taps()[taps]));
    if (outcome !== null) {
      const done = await eventually("the tag", () => Promise.resolve(this.#carried()[carried]));
      if (done !== outcome) throw new Error(`the tag: ${done}, not ${outcome}`);
    }
    this.#fake.take();
    await delay(DEBOUNCE_MS + 200); // the poll that finds it gone, and the debounce
    return tap;
  }
}

const linesFor = (fake: FakePn532): ReadonlyArray<string> => [
  "readers:",
  "  - id: door",
  "    driver: pn532",
  `    device: ${fake.device}`,
  "    poll_ms: 30",
  "    state_on_tag: true",
];

const isTap = (event: WatchEvent): event is TapEvent => event.event === "tap";
const isCarried = (event: WatchEvent): event is CarriedEvent => event.event === "carried";

const enrolAt = async (site: Site, card: EmulatedCard): Promise<void> => {
  expect((await site.tap(card, null)).verdict).toBe("unknown");
  await site.gateway.ask<"enrol">({ verb: "enrol", device: "drill-1", uid: null, user: "tester" });
  await site.gateway.device("drill-1");
};

test("a tag brings a cut-off site what the last one knew, and all agree when they meet", async () => {
  const fleet = cleanup.use(new TestFleet(["lobby", "yard"]));
  const [lobby, yard] = [await Site.started(fleet, "lobby"), await Site.started(fleet, "yard")];
  const tag = emulatedNtag215({});
  await enrolAt(lobby, tag);
  expect(await lobby.tap(tag, "written")).toMatchObject({ verdict: "accepted", brought: [] });

  // The yard knows neither the tag nor the drill.
  const brought = await yard.tap(tag, "written");
  expect(brought).toMatchObject({ verdict: "accepted", device: "drill-1" });
  expect(brought.brought).toEqual([
    expect.objectContaining({ key: "card", value: "this card", gateway: "lobby" }),
    expect.objectContaining({ key: "location", value: "lobby", gateway: "lobby" }),
  ]);
  const shown = await yard.gateway.device("drill-1");
  expect(shown.values.map(({ key, value }) => [key, value])).toContainEqual(["location", "yard"]);
  expect(shown.brought.map(({ key }) => key)).toEqual(["card"]);

  // Back at the lobby it says that it was at the yard.
  const back = await lobby.tap(tag, "written");
  expect(back.brought).toEqual([expect.objectContaining({ key: "location", value: "yard" })]);
  expect(back.values).toMatchObject({ location: "lobby" });

  const broker = await fleet.broker();
  const [one, other] = [
    await lobby.connected(fleet, broker.port),
    await yard.connected(fleet, broker.port),
  ];
  await eventuallyTrue("equal digests", async () => {
    const digests = [await one.gateway.status(), await other.gateway.status()];
    return digests[0]?.digest === digests[1]?.digest;
  });
  const met = await other.gateway.device("drill-1");
  expect(met.brought).toEqual([]);
  const location = met.values.find(({ key }) => key === "location");
  expect(location).toMatchObject({ value: "lobby", inDoubt: false, conflict: false });
  expect(met.values.find(({ key }) => key === "visits")?.value).toBe(3);
});

test("that a tool is lost is known wherever its tag comes; a tag without room says so", async () => {
  const fleet = cleanup.use(new TestFleet(["lobby", "yard"]));
  const [lobby, yard] = [await Site.started(fleet, "lobby"), await Site.started(fleet, "yard")];
  const tag = emulatedNtag215({});
  await enrolAt(lobby, tag);
  const lost = { verb: "set", key: "safety", value: "lost", type: null, user: "tester" } as const;
  await lobby.gateway.ask<"set">({ ...lost, device: "drill-1" });
  await lobby.gateway.device("drill-1");
  expect(await lobby.tap(tag, "written")).toMatchObject({ reason: "device-lost" });
  expect(await yard.tap(tag, "unchanged")).toMatchObject({
    verdict: "refused",
    device: "drill-1",
    reason: "device-lost",
  });

  // Each site has given another tag to a thing of its own: what the tag says of that stays for those who can tell.
  const uid = Uint8Array.of(4, 8, 8, 8, 8, 8, 8);
  const both = emulatedNtag215({ uid });
  await lobby.gateway.enrol("saw-1", toHex(uid));
  await yard.gateway.enrol("cart-9", toHex(uid));
  expect(await lobby.tap(both, "written")).toMatchObject({ device: "saw-1" });
  expect(await yard.tap(both, "left-alone")).toMatchObject({ device: "cart-9" });

  const small = NTAG213.make({ uid: Uint8Array.of(4, 9, 9, 9, 9, 9, 9) });
  expect((await lobby.tap(small, null)).verdict).toBe("unknown");
  await lobby.gateway.ask<"enrol">({ verb: "enrol", device: "cart-1", uid: null, user: "tester" });
  await lobby.gateway.device("cart-1");
  expect((await lobby.tap(small, "no-room")).verdict).toBe("accepted");
});

test("whoever watches is told of the tap first, and then of what its tag carries", async () => {
  const fleet = cleanup.use(new TestFleet(["lobby"]));
  const lines = { r1: ["state_on_tag: true"] };
  const gateway = await fleet.gateway("lobby", { readerLines: lines }).start();
  await gateway.enrol("drill-1", "04A1B2C3D46C80");
  const events = await gateway.watch();
  await gateway.tap("04A1B2C3D46C80");
  await eventuallyTrue("both events", () =>
    Promise.resolve(events.some(isCarried) && events.some(isTap)),
  );
  expect(events.findIndex(isTap)).toBeLessThan(events.findIndex(isCarried));
});
