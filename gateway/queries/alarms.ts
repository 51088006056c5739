/** What an operator must look at: worked out from the state of replication, so that it goes when its cause goes. */
import type { AlarmCode } from "#core/sync/effects.ts";
import type { SyncState } from "#core/sync/state.ts";

export interface Alarm {
  readonly code: AlarmCode;
  /** The gateway that it is about. */
  readonly author: string;
}

export const alarmsOf = (state: SyncState): ReadonlyArray<Alarm> => {
  const forked = [...state.forks.keys()].map((epoch) => state.replica.get(epoch)?.author ?? epoch);
  return [
    ...[...state.restored.keys()]
      .filter((author) => !state.cloned.has(author))
      .map((author) => ({ code: "restored-or-cloned", author }) as const),
    ...[...state.cloned].map((author) => ({ code: "cloned", author }) as const),
    ...[...new Set(forked)].map((author) => ({ code: "forked", author }) as const),
  ];
};

/** What it means, and what to do. */
export const describeAlarm = (alarm: Alarm): string => {
  const { code } = alarm;
  const author = alarm.author === "" ? "a gateway whose log isn't here" : alarm.author;
  switch (code) {
    case "restored-or-cloned":
      return `${author} came back without knowing its newest log: its disk was put back, replaced, or runs twice; if you did that, all is well as soon as it restarts`;
    case "cloned":
      return `${author} runs twice: two machines write under its name; stop one, and give it a name and key of its own`;
    case "forked":
      return `${author} signed two histories: what it said from there on no longer counts; revoke it with "tapmesh roster revoke ${author}"`;
    case "too-many-epochs":
      return `${author} opens logs without end: revoke it, or find out why it restarts so often`;
  }
};
