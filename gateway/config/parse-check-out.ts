/** A reader's check-out: who is a person, which key names who has a thing, and how long a person has for each. */
import type { CheckOutPolicy } from "#core/verdict/check-out.ts";
import { parseKey } from "#gateway/config/key.ts";
import { parseConditions } from "#gateway/config/parse-policy.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";

const DEFAULT_HOLDER = "holder";
const DEFAULT_WITHIN_S = 30;
const WITHIN_S_MIN = 1;
/** Whoever is away for longer has left the reader to the next one. */
const WITHIN_S_MAX = 600;

const parseWithinMs = (section: YamlReader): number => {
  const seconds = section.scalar("within_s") ?? DEFAULT_WITHIN_S;
  if (typeof seconds === "number" && seconds >= WITHIN_S_MIN && seconds <= WITHIN_S_MAX) {
    return Math.round(seconds * 1_000);
  }
  section.problem("within_s", `must be seconds from ${WITHIN_S_MIN} to ${WITHIN_S_MAX}`);
  return 0;
};

/** Null where the reader has none. */
export const parseCheckOut = (
  reader: YamlReader,
  { policy, onTap }: Pick<ReaderConfig, "policy" | "onTap">,
): CheckOutPolicy | null => {
  const section = reader.mapping("check_out");
  if (section === undefined) return null;
  const people = parseConditions(section, "people");
  if (people.length === 0) {
    section.problem("people", "must say whose cards are people's, such as { kind: person }");
  }
  const holder = parseKey(section, "holder") ?? DEFAULT_HOLDER;
  if (onTap.some(({ key }) => key === holder)) {
    reader.problem("on_tap", `writes "${holder}", which is check_out's: leave that rule out`);
  }
  if (people.some(({ key }) => key === holder)) {
    section.problem("people", `asks for "${holder}", which check_out itself writes`);
  }
  if (policy.holdOffMs > 0) {
    reader.problem(
      "hold_off_s",
      "doesn't go with check_out, where the same thing held again is checked in: leave it out",
    );
  }
  const withinMs = parseWithinMs(section);
  section.refuseUnknownKeys();
  return { people, holder, withinMs };
};
