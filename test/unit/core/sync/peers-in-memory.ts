/**
 * Gateways of any number, of whom some may lie; the broker hands each message on in order at once. Records that pass
 * are folded and not kept, forks are looked for and recorded.
 */
import type { SyncChannel } from "#core/message/topics.ts";
import type { Roster } from "#core/trust/roster.ts";
import { Peer, type Message, type World } from "#test/unit/core/sync/peer-in-memory.ts";

export class Peers implements World {
  roster: Roster;
  nowMs = 1_000_000;
  recordsPerRange = 4;
  readonly peers: Peer[] = [];
  /** Every message that was sent. */
  readonly sent: Message[] = [];
  /** Whether a message is lost. */
  loses: (message: Message) => boolean = () => false;
  #queue: Message[] = [];
  #nextKey: number;

  constructor(roster: Roster, names: ReadonlyArray<string>, firstKey = 2_000) {
    this.roster = roster;
    this.#nextKey = firstKey;
    for (const name of names) this.join(name);
  }

  /** A gateway of the roster, which has just been switched on. */
  join(name: string): Peer {
    const keyIndex = this.roster.gateways.findIndex((gateway) => gateway.name === name);
    const peer = new Peer(this, name, keyIndex);
    this.peers.push(peer);
    peer.restart();
    return peer;
  }

  newKey(): number {
    this.#nextKey += 1;
    return this.#nextKey;
  }

  send(message: Message): void {
    this.sent.push(message);
    this.#queue.push(message);
  }

  deliver(messagesMax = 200_000): void {
    for (let count = 0; ; count += 1) {
      const message = this.#queue.shift();
      if (message === undefined) return;
      if (count > messagesMax) throw new Error("the fleet talks without end");
      if (this.loses(message)) continue;
      const { from, to, channel, payload } = message;
      for (const peer of this.peers) {
        if (peer.name === from || (to !== undefined && to !== peer.name)) continue;
        peer.take({ _tag: "Received", from, channel, payload });
      }
    }
  }

  /** Lets time go by, nothing taking any: ticks, and what they lead to. */
  run(ms: number, tickMs = 100): void {
    this.deliver();
    for (let passed = 0; passed < ms; passed += tickMs) {
      this.nowMs += tickMs;
      for (const peer of this.peers) peer.take({ _tag: "Ticked" });
      this.deliver();
    }
  }

  believe(roster: Roster): void {
    this.roster = roster;
    for (const peer of this.peers) peer.take({ _tag: "RosterChanged", roster });
  }

  /** Messages of these channels in that time, nobody writing. */
  chatter(ms: number, ...channels: ReadonlyArray<SyncChannel>): number {
    const before = this.sent.length;
    this.run(ms);
    return this.sent.slice(before).filter(({ channel }) => channels.includes(channel)).length;
  }
}

/** How many different states the gateways have: 1 where all have folded the same. */
export const statesOf = (peers: ReadonlyArray<Peer>): ReadonlyArray<string> => [
  ...new Set(peers.map((peer) => [...peer.folded()].map(String).toSorted().join("\n"))),
];
