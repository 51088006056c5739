/** The process's own log lines on stdout: JSON for a machine, short words for a person at a terminal. */
import type { Journal } from "#gateway/ports.ts";

type Level = "info" | "warn" | "error";
type Fields = Readonly<Record<string, unknown>>;

const jsonLine = (level: Level, code: string, fields: Fields): string =>
  JSON.stringify({ time: new Date().toISOString(), level, code, ...fields });

const MARK: Readonly<Record<Level, string>> = { info: " ", warn: "!", error: "E" };

const textLine = (level: Level, code: string, fields: Fields): string => {
  const words = Object.entries(fields).map(([key, value]) => `${key}=${String(value)}`);
  return [new Date().toTimeString().slice(0, 8), MARK[level], code, ...words].join(" ");
};

export const createJournal = (format: "json" | "text", write: (line: string) => void): Journal => {
  const line = format === "json" ? jsonLine : textLine;
  const at =
    (level: Level) =>
    (code: string, fields: Fields = {}): void =>
      write(line(level, code, fields));
  return { info: at("info"), warn: at("warn"), error: at("error") };
};
