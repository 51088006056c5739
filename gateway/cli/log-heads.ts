/** `tapmesh log heads`: how much of a gateway's log its peers hold. */
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { heldHeads, type AuthorHeads } from "#gateway/queries/held-heads.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { askOrRead } from "#gateway/cli/offline.ts";

/** Who said so, and who might say more. */
export const formatAsked = ({ asked, answered }: AuthorHeads): string => {
  if (asked.length === 0) return "by this gateway's disk alone; no peer was asked";
  const silent = asked.filter((peer) => !answered.includes(peer));
  const missing = silent.length === 0 ? "" : `; no answer from ${silent.join(", ")}`;
  return `asked ${asked.join(", ")}${missing}`;
};

const formatHeads = (heads: AuthorHeads): string => {
  const lines = heads.epochs.map(
    ({ epoch, key, size }) => `${epoch}   ${size} records   key ${key.slice(0, 16)}…`,
  );
  const none = `nothing of ${heads.gateway} is held`;
  return [...(lines.length === 0 ? [none] : lines), formatAsked(heads)].join("\n");
};

const heads = async (io: Io, gateway: string, options: CommonOptions): Promise<ExitCode> => {
  const held = await askOrRead(io, options, {
    request: { verb: "author-heads", gateway },
    offline: (store) => heldHeads(store, gateway),
  });
  if (E.isLeft(held)) return held.left;
  io.out(options.json === true ? JSON.stringify(held.right) : formatHeads(held.right));
  return EXIT.ok;
};

export const registerHeads = (log: Command, io: Io, end: (code: ExitCode) => void): void => {
  log
    .command("heads")
    .argument("<gateway>", "whose log")
    .description("how much of a gateway's log is held, for `roster revoke --heads`")
    .addHelpText("after", "\nExample:\n  tapmesh log heads dock --json > dock-heads.json")
    .action(async (gateway: string, _local, command: Command) =>
      end(await heads(io, gateway, command.optsWithGlobals())),
    );
};
