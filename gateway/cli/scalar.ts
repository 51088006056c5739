/** What a person typed as a value: true, false, a whole number, or text. */
import type { JsonScalar } from "#gateway/queries/values.ts";

export const parseScalar = (text: string): JsonScalar => {
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  const number = Number(text);
  return /^-?(?:0|[1-9][0-9]*)$/.test(text) && Number.isSafeInteger(number) ? number : text;
};
