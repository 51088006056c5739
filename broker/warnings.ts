/** The broker's lines in the process's journal, kept few whatever clients do. */
import { WARNING_INTERVAL_MS, WARNING_TEXT_CHAR_COUNT_MAX } from "#broker/limits.ts";

export type Fields = Readonly<Record<string, string | number | boolean>>;

/** What the broker needs of a journal: codes are stable, for alerts. */
export interface BrokerJournal {
  readonly info: (code: string, fields?: Fields) => void;
  readonly warn: (code: string, fields?: Fields) => void;
}

/**
 * Warns at most once per code and interval; the next line says in `suppressed` how many were left
 * out.
 */
export type Warn = (code: string, fields: Fields) => void;

/** Text that a client chose, cut to a length fit for a journal. */
export const excerpt = (text: string): string => text.slice(0, WARNING_TEXT_CHAR_COUNT_MAX);

/** `monoMs` is a clock that never goes back. The codes are the broker's own, so they are few. */
export const createWarn = (journal: BrokerJournal, monoMs: () => number): Warn => {
  const byCode = new Map<string, { writtenMs: number; suppressed: number }>();
  return (code, fields) => {
    const nowMs = monoMs();
    const last = byCode.get(code);
    if (last !== undefined && nowMs - last.writtenMs < WARNING_INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    byCode.set(code, { writtenMs: nowMs, suppressed: 0 });
    journal.warn(code, { ...fields, suppressed: last?.suppressed ?? 0 });
  };
};
