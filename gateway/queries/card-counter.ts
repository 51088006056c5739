/** A device's entries about its card's one-way counter, put together for people: what it stands at and what is odd. */
import { equalBytes } from "#core/bytes.ts";
import type { TrueTime } from "#core/clock/true-time.ts";
import { TYPE } from "#core/log/operation.ts";
import type { Entry, Write } from "#core/state/entry.ts";
import { valueOf } from "#core/state/reading.ts";
import { readMarks } from "#core/verdict/card-counters.ts";
import { CARD_KEY } from "#core/verdict/card-index.ts";
import { decodeMark, markNameOf, type CounterMark } from "#core/verdict/counter-mark.ts";
import type { DeviceValue, Provenance } from "#gateway/queries/devices.ts";

/** Whether the entry is one gateway's mark of a card's counter, which nobody reads as it stands. */
export const isMark = (entry: Pick<Entry, "key" | "type">): boolean =>
  markNameOf(entry) !== undefined;

interface Marked {
  readonly gateway: string;
  readonly mark: CounterMark;
  readonly write: Write;
}

/** The marks of the card that the device has now; of its earlier cards nobody asks. */
const marksOf = (entries: ReadonlyArray<Entry>, trueTime: TrueTime): ReadonlyArray<Marked> => {
  const cardEntry = entries.find(({ key, type }) => key === CARD_KEY && type === TYPE.register);
  const card = cardEntry === undefined ? null : valueOf(cardEntry, trueTime);
  return entries.flatMap((entry) => {
    const name = markNameOf(entry);
    if (name === undefined || entry.content._tag !== "Extreme") return [];
    const mark = decodeMark(entry.content.write.value);
    const isThisCard = card instanceof Uint8Array && equalBytes(name.card, card);
    if (mark === undefined || !isThisCard) return [];
    return [{ gateway: name.gateway, mark, write: entry.content.write }];
  });
};

/**
 * `counter`: what the card's counter stands at, with each gateway's own count; `counter-unlogged`: counts of which no
 * gateway knows a tap; `counter-repeated`: counts that came twice. The last two only where there are some.
 */
export const counterValues = async (
  entries: ReadonlyArray<Entry>,
  trueTime: TrueTime,
  whyOf: (write: Write) => Promise<Provenance>,
): Promise<ReadonlyArray<DeviceValue>> => {
  const marks = marksOf(entries, trueTime).toSorted((a, b) => a.mark.count - b.mark.count);
  const newest = marks.at(-1);
  if (newest === undefined) return [];
  const read = readMarks(marks);
  const survivors = await Promise.all(
    marks.map(async ({ mark, write }) => ({ value: mark.count, why: await whyOf(write) })),
  );
  const why = await whyOf(newest.write);
  const line = { conflict: false, inDoubt: false, why };
  const some = (key: string, value: ReadonlyArray<number>): ReadonlyArray<DeviceValue> =>
    value.length === 0
      ? []
      : [{ ...line, key, type: "set", value, survivors: survivors.slice(-1) }];
  const copied = read.copiesSeenAt.length === 0 ? [] : [read.copiesSeenAt.join(" and ")];
  return [
    { ...line, key: "counter", type: "max", value: read.count, survivors },
    ...some("counter-unlogged", read.unlogged),
    ...some("counter-repeated", read.repeated),
    ...copied.map((value) => ({ ...line, key: "copy-seen-at", type: "set", value, survivors: [] })),
  ];
};
