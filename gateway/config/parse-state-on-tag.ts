/** Whether a reader lets tags carry what is known of their devices, and what of it. */
import type { StateOnTag } from "#gateway/config/config.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";

const NAME = "state_on_tag";
/** More has no room on any tag. */
const KEYS_COUNT_MAX = 16;

const isKey = (value: unknown): value is string =>
  typeof value === "string" && /^[a-z][a-z0-9_-]*$/.test(value);

export const parseStateOnTag = (reader: YamlReader): StateOnTag | null => {
  const values = reader.scalars(NAME) ?? [false];
  const [only] = values;
  if (values.length === 1 && typeof only === "boolean") return only ? { keys: null } : null;
  const keys = values.filter(isKey);
  if (keys.length < values.length || keys.length === 0 || keys.length > KEYS_COUNT_MAX) {
    reader.problem(NAME, `must be true, or a list of up to ${KEYS_COUNT_MAX} keys: [location]`);
  }
  for (const key of keys.filter((name) => name === CARD_KEY || name === SAFETY_KEY)) {
    reader.problem(NAME, `"${key}" is carried in any case: leave it out`);
  }
  return { keys: new Set(keys) };
};
