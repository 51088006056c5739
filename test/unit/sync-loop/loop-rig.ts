/** A sync loop over a real writer, a store and a link that remembers what was published. */
import * as E from "fp-ts/lib/Either.js";
import { utf8 } from "#core/bytes.ts";
import { OPEN_REASON } from "#core/log/body.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { tailTopic } from "#core/message/topics.ts";
import type { SyncStart } from "#core/sync/initial.ts";
import type { Roster } from "#core/trust/roster.ts";
import { Counters } from "#gateway/counters.ts";
import { nodeCrypto, nodeEntropy } from "#gateway/node-crypto.ts";
import type { Clock, Store } from "#gateway/ports.ts";
import { SyncLoop } from "#gateway/sync/sync-loop.ts";
import { LogWriter } from "#gateway/writer/log-writer.ts";
import { FLEET } from "#test/unit/core/sync/roster-in-memory.ts";
import { pending } from "#test/unit/writer/writer-rig.ts";
import { tapOf } from "#test/contract/epoch-maker.ts";

export class LoopRig {
  readonly self: string;
  readonly store: Store;
  readonly writer: LogWriter;
  readonly loop: SyncLoop;
  readonly counters: Counters = new Counters();
  /** What was published: topic without its prefix, and payload. */
  readonly published: Array<{ readonly topic: string; readonly payload: Uint8Array }> = [];
  readonly lines: string[] = [];
  readonly alarms: string[] = [];
  isConnected = true;
  monoMs = 5_000;
  refolded = 0;
  turns = 0;
  accepted = 0;

  constructor(
    store: Store,
    start: { readonly self: string; readonly roster: Roster; readonly key: SigningKey },
    replica: SyncStart["replica"] = new Map(),
  ) {
    const { self, roster, key: gatewayKey } = start;
    this.store = store;
    this.self = self;
    const clock: Clock = {
      wallMs: () => 1_800_000_000_000 + this.monoMs,
      monoMs: () => this.monoMs,
      preciseMs: () => this.monoMs,
    };
    const line = (code: string): void => void this.lines.push(code);
    const journal = { info: line, warn: line, error: line };
    const bootId = new Uint8Array(16);
    const author = { fleet: FLEET, gateway: self, gatewayKey, bootId, clockClass: () => 3 };
    this.writer = new LogWriter(
      {
        store,
        clock,
        journal,
        author,
        entropy: nodeEntropy,
        onCommitted: (group) => this.loop.onOwnCommitted(group),
      },
      { unnamed: [], reason: OPEN_REASON.boot },
    );
    const own = `tapmesh-sync/1/${FLEET}/${self}/`;
    const link = {
      isConnected: () => this.isConnected,
      relays: () => false,
      publish: (topic: string, payload: Uint8Array | string) => {
        const bytes = typeof payload === "string" ? utf8(payload) : payload;
        this.published.push({ topic: topic.replace(own, ""), payload: bytes });
      },
    };
    this.loop = new SyncLoop(
      {
        fleet: FLEET,
        gateway: self,
        crypto: nodeCrypto,
        clock,
        journal,
        store,
        counters: this.counters,
        writer: this.writer,
        link,
        nextTurn: async () => {
          this.turns += 1;
          await new Promise(setImmediate);
        },
        rosterNote: () => new Uint8Array(0),
        takeRoster: () => undefined,
        onAccepted: () => void (this.accepted += 1),
        onAcknowledged: () => undefined,
        onEpochsHeard: () => undefined,
        onAlarm: (code, about) => void this.alarms.push(`${code} ${about}`),
        onRefolded: () => void (this.refolded += 1),
      },
      { self, roster, replica, forks: new Map(), holes: new Map() },
    );
  }

  /** Topics published since the last call. */
  take(): ReadonlyArray<string> {
    return this.published.splice(0).map(({ topic }) => topic);
  }

  tail(from: string, payload: Uint8Array): void {
    this.loop.onMessage(tailTopic(FLEET, from), payload);
  }

  async rest(): Promise<void> {
    for (let quiet = 0; quiet < 20;) {
      quiet = this.loop.waiting === 0 ? quiet + 1 : 0;
      await new Promise(setImmediate);
    }
  }

  async tick(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.monoMs += 100;
      this.loop.tick();
      await this.rest();
    }
  }

  async tap(device = "cart-1"): Promise<boolean> {
    const appended = await this.writer.append(pending(tapOf(device)));
    await this.rest();
    return E.isRight(appended);
  }
}
