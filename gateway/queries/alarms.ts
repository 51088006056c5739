/** What an operator must look at: worked out from the readers and the state of replication, so that it goes when its cause goes. */
import type { RecoveryStep } from "#core/reader/rungs.ts";
import type { AlarmCode } from "#core/sync/effects.ts";
import type { SyncState } from "#core/sync/state.ts";

export type Alarm =
  | {
      readonly code: AlarmCode;
      /** The gateway that it is about. */
      readonly author: string;
    }
  | ReaderAlarm;

/** A reader of this gateway has failed for a while, or nothing that was tried has helped. */
interface ReaderAlarm {
  readonly code: "reader-down";
  readonly author: string;
  readonly reader: string;
  readonly reason: string;
  /** Step → how often it was taken. */
  readonly tried: Readonly<Partial<Record<RecoveryStep, number>>>;
}

/** What is told of a reader here. */
interface ToldReader {
  readonly id: string;
  readonly detail: string;
  readonly alarm: boolean;
  readonly steps: ReaderAlarm["tried"];
}

const readerAlarmsOf = (
  gateway: string,
  readers: ReadonlyArray<ToldReader>,
): ReadonlyArray<ReaderAlarm> =>
  readers
    .filter(({ alarm }) => alarm)
    .map(({ id, detail, steps }) => ({
      code: "reader-down",
      author: gateway,
      reader: id,
      reason: detail,
      tried: steps,
    }));

const describeReader = ({ reader, reason, tried }: ReaderAlarm): string => {
  const steps = Object.entries(tried).map(([step, count]) => `${step} ×${count}`);
  const what = steps.length === 0 ? "nothing can be tried from here" : `tried ${steps.join(", ")}`;
  return `reader ${reader} is down and needs a person: ${reason} (${what}; it goes on being tried); "tapmesh doctor" looks for the cause`;
};

const replicationAlarmsOf = (state: SyncState): ReadonlyArray<Alarm> => {
  const forked = [...state.forks.keys()].map((epoch) => state.replica.get(epoch)?.author ?? epoch);
  return [
    ...[...state.restored.keys()]
      .filter((author) => !state.cloned.has(author))
      .map((author) => ({ code: "restored-or-cloned", author }) as const),
    ...[...state.cloned].map((author) => ({ code: "cloned", author }) as const),
    ...[...new Set(forked)].map((author) => ({ code: "forked", author }) as const),
  ];
};

/** `gateway`: this one, whose readers these are. */
export const allAlarms = (
  gateway: string,
  readers: ReadonlyArray<ToldReader>,
  state: SyncState,
): ReadonlyArray<Alarm> => [...readerAlarmsOf(gateway, readers), ...replicationAlarmsOf(state)];

/** What it means, and what to do. */
export const describeAlarm = (alarm: Alarm): string => {
  if (alarm.code === "reader-down") return describeReader(alarm);
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
