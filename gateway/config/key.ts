/** A key of devices' state, as the configuration names it. */
import { KEY_LENGTH_MAX } from "#core/log/operation.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";

const KEY = { regex: /^[a-z][a-z0-9_-]*$/, meaning: "a key such as last-seen" };

/** The key under `name`, which a tap is to write; `card` and `safety` are not a tap's to change. Undefined: absent or wrong. */
export const parseKey = (section: YamlReader, name: string): string | undefined => {
  const key = section.text(name, KEY);
  if (key === "card" || key === "safety") section.problem(name, `"${key}" can't be set by a tap`);
  if ((key?.length ?? 0) > KEY_LENGTH_MAX) {
    section.problem(name, `must be at most ${KEY_LENGTH_MAX} long`);
  }
  return key;
};
