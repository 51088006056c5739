/** What an operator must look at: worked out anew from what is the case, so that it goes with its cause. */
import type { RecoveryStep } from "#core/reader/rungs.ts";
import type { AlarmCode } from "#core/sync/effects.ts";
import type { SyncState } from "#core/sync/state.ts";
import { SAFETY } from "#core/log/operation.ts";
import type { StateMemory } from "#gateway/state-memory.ts";

/** A gateway's log is not what it should be. */
interface LogAlarm {
  readonly code: AlarmCode;
  /** The gateway that it is about. */
  readonly author: string;
}

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

/** A count of a card's own counter came twice: there is a copy of the card, or somebody plays its taps back. */
export interface CopyAlarm {
  readonly code: "card-copied";
  /** A gateway that saw it. */
  readonly author: string;
  readonly device: string;
  /** Hex. */
  readonly card: string;
  readonly seenAt: ReadonlyArray<string>;
}

export type Alarm = LogAlarm | ReaderAlarm | CopyAlarm;

/** It stands until the device has another card, or is no longer active. */
export const copiesOf = ({
  counters,
  index,
}: Pick<StateMemory, "counters" | "index">): ReadonlyArray<CopyAlarm> =>
  counters.copied().flatMap(({ card, seenAt }) => {
    const enrolled = index.enrolled(card);
    if (enrolled === undefined || enrolled.safety !== SAFETY.active) return [];
    const { device } = enrolled;
    return [{ code: "card-copied", author: seenAt[0] ?? "", device, card, seenAt }];
  });

const logAlarmsOf = (state: SyncState): ReadonlyArray<LogAlarm> => {
  const forked = [...state.forks.keys()].map((epoch) => state.replica.get(epoch)?.author ?? epoch);
  return [
    ...[...state.restored.keys()]
      .filter((author) => !state.cloned.has(author))
      .map((author) => ({ code: "restored-or-cloned", author }) as const),
    ...[...state.cloned].map((author) => ({ code: "cloned", author }) as const),
    ...[...new Set(forked)].map((author) => ({ code: "forked", author }) as const),
  ];
};

/** What alarms are worked out from: a running gateway, as far as it is asked here. */
interface AlarmSources {
  readonly config: { readonly gateway: string };
  readonly readers: { readonly status: () => ReadonlyArray<ToldReader> };
  readonly memory: Pick<StateMemory, "counters" | "index">;
  readonly sync: { readonly state: SyncState };
}

export const alarmsOf = ({ config, readers, memory, sync }: AlarmSources): ReadonlyArray<Alarm> => [
  ...readerAlarmsOf(config.gateway, readers.status()),
  ...copiesOf(memory),
  ...logAlarmsOf(sync.state),
];

/** What it means, and what to do. */
export const describeAlarm = (alarm: Alarm): string => {
  if (alarm.code === "reader-down") return describeReader(alarm);
  const author = alarm.author === "" ? "a gateway whose log isn't here" : alarm.author;
  switch (alarm.code) {
    case "restored-or-cloned":
      return `${author} came back without knowing its newest log: its disk was put back, replaced, or runs twice; if you did that, all is well as soon as it restarts`;
    case "cloned":
      return `${author} runs twice: two machines write under its name; stop one, and give it a name and key of its own`;
    case "forked":
      return `${author} signed two histories: what it said from there on no longer counts; revoke it with "tapmesh roster revoke ${author}"`;
    case "card-copied":
      return `${alarm.device}'s card has a copy: one count of its taps came twice, at ${alarm.seenAt.join(" and ")}; "tapmesh device set ${alarm.device} safety=lost" refuses both, a new card by "tapmesh device enrol ${alarm.device}" ends it`;
    case "too-many-epochs":
      return `${author} opens logs without end: revoke it, or find out why it restarts so often`;
  }
};
