/** `tapmesh tag …`: what a card tells of itself, and the message on it. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { encodeNdef, type NdefRecord } from "#core/card/ndef.ts";
import { externalRecord, mimeRecord, textRecord, uriRecord } from "#core/card/well-known.ts";
import { askAndPrint } from "#gateway/cli/ask.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { formatTime } from "#gateway/cli/moment.ts";
import { registerTagKeys } from "#gateway/cli/tag-keys.ts";
import type { TagView, TagWritten } from "#gateway/control/tag-views.ts";

interface AtReader extends CommonOptions {
  readonly reader?: string;
  readonly seconds: string;
}

interface WriteOptions extends AtReader {
  readonly uri?: string;
  readonly text?: string;
  readonly lang: string;
  readonly mime?: string;
  readonly external?: string;
  readonly file?: string;
  readonly force?: boolean;
}

const TECHNOLOGY_WORDS = {
  type2: "Type 2",
  type4: "Type 4",
  "mifare-classic": "MIFARE Classic",
  other: "of another kind",
} as const;

const PHONE_WORDS = {
  proven: "phone with an app for tapmesh; its UID is another at each tap",
  unproven: "phone with an app for tapmesh, which did not prove that it is itself: unlock it",
  "other-version": "phone with an app for another version of tapmesh: update the older one",
} as const;

const line = (name: string, text: string): string => `${name.padEnd(11)} ${text}`;

const originalWords = (original: boolean | null): string => {
  if (original === null) return "none was given";
  return original ? "NXP's: an original chip" : "not NXP's: another maker's chip, or a copy";
};

const carriedWords = (carried: TagView["carried"]): ReadonlyArray<string> => {
  if (carried === null) return [];
  if ("refused" in carried)
    return [line("carries", `a state that isn't believed: ${carried.refused}`)];
  const { device, gateway, statedMs, values } = carried;
  const said = values.map(({ key, value }) => `${key}=${String(value ?? "(unset)")}`).join(" ");
  return [line("carries", `${device}, by ${gateway} at ${formatTime(statedMs)}: ${said}`)];
};

export const formatTag = (tag: TagView): string => {
  const { views, content, unreadable } = tag;
  const kind = TECHNOLOGY_WORDS[tag.technology];
  const what = tag.phone === null ? tag.chip : PHONE_WORDS[tag.phone];
  const message = unreadable === null ? (content ?? ["none"]) : [unreadable];
  return [
    line("card", what === null ? kind : `${what} (${kind})`),
    line("UID", tag.uid),
    line("", `decimal ${views.decimal}, bytes reversed ${views.decimalReversed}`),
    line("", `Wiegand 26: ${views.wiegand26.facility}-${views.wiegand26.card}`),
    line("", `Wiegand 34: ${views.wiegand34.facility}-${views.wiegand34.card}`),
    line("enrolled", tag.device === null ? "for nothing yet" : `for ${tag.device}`),
    ...(tag.unfit === null ? [] : [line("", tag.unfit)]),
    line(
      "taps",
      tag.counter === null ? "not counted by the card" : `${tag.counter}, counted by the card`,
    ),
    line("signature", originalWords(tag.original)),
    ...message.map((text, index) => line(index === 0 ? "message" : "", text)),
    ...carriedWords(tag.carried),
  ].join("\n");
};

const formatWritten = ({ uid, changed, content }: TagWritten): string => {
  if (!changed) return `${uid} held just this already`;
  return content.length === 0
    ? `${uid} is empty now`
    : `${uid} written, and read back: ${content.join("; ")}`;
};

const waitMsOf = (options: AtReader): number | undefined => {
  const seconds = Number(options.seconds);
  return seconds >= 0 && seconds <= 120 ? Math.round(seconds * 1_000) : undefined;
};

type Asked = E.Either<string, NdefRecord>;

const fileOf = (options: WriteOptions): E.Either<string, Uint8Array> => {
  if (options.file === undefined) return E.left("name the file to put on the tag with --file");
  try {
    return E.right(Uint8Array.from(readFileSync(options.file)));
  } catch {
    return E.left(`${options.file} can't be read`);
  }
};

const ofFile = (options: WriteOptions, make: (payload: Uint8Array) => Asked): Asked => {
  const payload = fileOf(options);
  return E.isLeft(payload) ? payload : make(payload.right);
};

const orElse = (record: NdefRecord | undefined, problem: string): Asked =>
  record === undefined ? E.left(problem) : E.right(record);

/** The one record that was asked for, or what is wrong with the asking. */
export const recordOf = (options: WriteOptions): Asked => {
  const { uri, text, lang, mime, external } = options;
  if ([uri, text, mime, external].filter((kind) => kind !== undefined).length !== 1) {
    return E.left("say what to write: one of --uri, --text, --mime and --external");
  }
  if (uri !== undefined) {
    return /^[a-z][a-z0-9+.-]*:./i.test(uri)
      ? E.right(uriRecord(uri))
      : E.left(`"${uri}" is no URI: it begins with what it is, such as https:// or tel:`);
  }
  if (text !== undefined) {
    return orElse(
      textRecord({ language: lang, text }),
      `"${lang}" is no language, such as en or de-CH`,
    );
  }
  if (mime !== undefined) {
    return ofFile(options, (payload) =>
      orElse(mimeRecord(mime, payload), `"${mime}" is no MIME type, such as text/vcard`),
    );
  }
  const type = external ?? "";
  return ofFile(options, (payload) =>
    orElse(
      externalRecord(type, payload),
      `"${type}" is no external type, such as example.com:tool`,
    ),
  );
};

/** The record as a message, in hex. */
const messageOf = (record: NdefRecord): string => {
  const message = encodeNdef([record]);
  return E.isLeft(message) ? "" : toHex(message.right);
};

const refuse = (io: Io, problem: string): Promise<ExitCode> => {
  io.err(problem);
  return Promise.resolve(EXIT.usage);
};

const prompt = (io: Io, options: AtReader, verb: string): void => {
  if (options.json !== true) io.out(`hold the tag to the reader and leave it there (${verb})`);
};

const info = (io: Io, options: AtReader): Promise<ExitCode> => {
  const waitMs = waitMsOf(options);
  if (waitMs === undefined) return refuse(io, "--seconds is a number from 0 to 120");
  prompt(io, options, "reading");
  const request = { verb: "tag-info", reader: options.reader ?? null, waitMs } as const;
  return askAndPrint<"tag-info">(io, options, { request, words: formatTag });
};

const put = (
  io: Io,
  options: AtReader,
  wish: { message: string; force: boolean },
): Promise<ExitCode> => {
  const waitMs = waitMsOf(options);
  if (waitMs === undefined) return refuse(io, "--seconds is a number from 0 to 120");
  prompt(io, options, wish.message === "" ? "erasing" : "writing");
  const request = { verb: "tag-write", reader: options.reader ?? null, waitMs, ...wish } as const;
  return askAndPrint<"tag-write">(io, options, { request, words: formatWritten });
};

const write = (io: Io, options: WriteOptions): Promise<ExitCode> => {
  const record = recordOf(options);
  if (E.isLeft(record)) return refuse(io, record.left);
  return put(io, options, { message: messageOf(record.right), force: options.force === true });
};

export const registerTag = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  const tag = program.command("tag").description("look at a card, write it, erase it");
  const verb = (name: string, description: string): Command =>
    tag
      .command(name)
      .description(description)
      .option("--reader <id>", "which reader; the only one by default")
      .option("--seconds <n>", "how long to wait for the tag", "15");
  verb("info", "what a card tells of itself")
    .addHelpText("after", "\nExample:\n  tapmesh tag info --reader desk")
    .action(async (_local, command: Command) => end(await info(io, command.optsWithGlobals())));
  verb("write", "put a message on a tag, in place of the one it holds")
    .option("--uri <uri>", "a link")
    .option("--text <text>", "a text")
    .option("--lang <tag>", "the text's language", "en")
    .option("--mime <type>", "a file of this type")
    .option("--external <type>", "a file of an external type, such as example.com:tool")
    .option("--file <path>", "the file for --mime and --external")
    .option("--force", "write even if the tag is empty should it be taken away half-way")
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh tag write --uri https://example.com/tool/7\n  tapmesh tag write --text 'Grüezi' --lang de-CH\n  tapmesh tag write --mime text/vcard --file me.vcf",
    )
    .action(async (_local, command: Command) => end(await write(io, command.optsWithGlobals())));
  verb("erase", "take the message off a tag")
    .addHelpText("after", "\nExample:\n  tapmesh tag erase --reader desk")
    .action(async (_local, command: Command) =>
      end(await put(io, command.optsWithGlobals(), { message: "", force: false })),
    );
  registerTagKeys(tag, io, end);
};
