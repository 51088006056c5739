/** What a Pi's card holds, copied while its gateway has stopped or stands still. */
import { cpSync, rmSync } from "node:fs";

/** Replaces what is at `to`. The socket of a process is no part of a card. */
export const copyCard = (from: string, to: string): void => {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith(".sock") });
};
