/** What the first version of tapmesh says and understands: heads without contents, tails, asks for Ranges and epochs. */
import * as E from "fp-ts/lib/Either.js";
import { decodeAnswer, decodeAsk } from "#core/message/exchange.ts";

const OLD_CHANNELS: ReadonlySet<string> = new Set(["head", "tail", "ask", "answer"]);
const OLD_TAGS: ReadonlySet<string> = new Set([
  "AskRange",
  "AskEpochs",
  "AnswerRange",
  "AnswerEpochs",
]);

/** Whether it would be sent, or looked at. */
export const isOfOldVersion = (topic: string, payload: Uint8Array | string): boolean => {
  if (typeof payload === "string") return true;
  const channel = topic.split("/")[4] ?? "";
  if (!OLD_CHANNELS.has(channel)) return false;
  if (channel === "ask") {
    const ask = decodeAsk(payload);
    return E.isRight(ask) && OLD_TAGS.has(ask.right._tag);
  }
  if (channel !== "answer") return true;
  const answer = decodeAnswer(payload);
  return E.isRight(answer) && OLD_TAGS.has(answer.right._tag);
};
