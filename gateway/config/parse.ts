/** Text of a configuration file → `GatewayConfig`, or every problem that it has. */
import { dirname, join, resolve } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { type ReadScope, SCOPE_UID } from "#core/card/read-card.ts";
import type { TapRule, TapValue } from "#core/verdict/on-tap.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import type {
  GatewayConfig,
  ListenAddress,
  ReaderConfig,
  StateOnTag,
} from "#gateway/config/config.ts";
import { parseKey } from "#gateway/config/key.ts";
import { parseCheckOut } from "#gateway/config/parse-check-out.ts";
import { parseGpio } from "#gateway/config/parse-gpio.ts";
import { parsePolicyAndScope, parseTimeZone } from "#gateway/config/parse-policy.ts";
import { formatListen, parseListen } from "#gateway/config/listen.ts";
import type { ConfigProblem } from "#gateway/config/problem.ts";
import { parsePn532, refuseSharedDevices } from "#gateway/config/pn532.ts";
import { parseStateOnTag } from "#gateway/config/parse-state-on-tag.ts";
import { YamlReader } from "#gateway/config/yaml-reader.ts";

const NAME = {
  regex: /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
  meaning: "a name of a-z, 0-9 and -, at most 32 long",
};
const ANY_TEXT = { regex: /./, meaning: "a text" };

/** What a tap does where a reader's configuration says nothing: where the device is, and how often it was seen. */
const DEFAULT_ON_TAP: ReadonlyArray<TapRule> = [
  { _tag: "Set", key: "location", to: { _tag: "Place", of: "gateway" } },
  { _tag: "Add", key: "visits", by: 1 },
];

/** Values that every reader's rules write must fit one record together. */
const LITERAL_LENGTH_MAX = 200;
const RULES_COUNT_MAX = 8;

const parseLiteral = (rule: YamlReader, value: boolean | number | string): TapValue | undefined => {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    rule.problem("to", `must be a whole number, not ${value}`);
    return undefined;
  }
  const isText = typeof value === "string";
  if (isText && (value.length > LITERAL_LENGTH_MAX || value.startsWith("\uFEFF"))) {
    rule.problem("to", `must be a plain text of at most ${LITERAL_LENGTH_MAX} characters`);
    return undefined;
  }
  return { _tag: "Literal", value };
};

const parseTapValue = (rule: YamlReader): TapValue | undefined => {
  const value = rule.scalar("to");
  if (typeof value !== "string" || !value.startsWith("$")) {
    if (value === undefined && !rule.has("to")) rule.problem("to", "is missing");
    return value === undefined ? undefined : parseLiteral(rule, value);
  }
  const place = (["gateway", "site", "reader", "time"] as const).find((of) => `$${of}` === value);
  if (place !== undefined) return { _tag: "Place", of: place };
  rule.problem("to", `must be $gateway, $site, $reader or $time, not "${value}"`);
  return undefined;
};

const parseStep = (rule: YamlReader): number => {
  const by = rule.scalar("by") ?? 1;
  if (typeof by === "number" && Number.isInteger(by) && Math.abs(by) <= 1_000_000) return by;
  rule.problem("by", "must be a whole number up to a million");
  return 0;
};

const VERBS = ["set", "claim", "collect", "add", "max", "min"] as const;
const TAG_OF = { set: "Set", claim: "Claim", collect: "Collect", max: "Max", min: "Min" } as const;

const parseRule = (rule: YamlReader): TapRule | undefined => {
  const verb = VERBS.find((candidate) => rule.has(candidate));
  let parsed: TapRule | undefined;
  if (verb === "add") {
    parsed = { _tag: "Add", key: parseKey(rule, verb) ?? "", by: parseStep(rule) };
  } else if (verb !== undefined) {
    const key = parseKey(rule, verb) ?? "";
    const to = parseTapValue(rule);
    if (to !== undefined) parsed = { _tag: TAG_OF[verb], key, to };
    if ((verb === "max" || verb === "min") && to !== undefined && !isNumeric(to)) {
      rule.problem("to", "must be a whole number or $time");
    }
  } else rule.problem("", `must begin with one of ${VERBS.join(", ")}`);
  rule.refuseUnknownKeys();
  return parsed;
};

const isNumeric = (value: TapValue): boolean =>
  value._tag === "Literal" ? typeof value.value === "number" : value.of === "time";

/** A record is one write to a key, so no two rules of a reader may write the same. */
const parseRules = (reader: YamlReader): ReadonlyArray<TapRule> => {
  const rules = reader.mappings("on_tap");
  if (rules === undefined) return DEFAULT_ON_TAP;
  if (rules.length > RULES_COUNT_MAX) {
    reader.problem("on_tap", `${rules.length} rules, but a tap can carry out ${RULES_COUNT_MAX}`);
    return [];
  }
  const written = new Set<string>();
  return rules.flatMap((rule) => {
    const parsed = parseRule(rule);
    if (parsed === undefined) return [];
    const target = `${parsed._tag} ${parsed.key}`;
    if (written.has(target)) rule.problem("", `a rule before it does the same to "${parsed.key}"`);
    written.add(target);
    return [parsed];
  });
};

/** A state is read with the message that it stands in. */
const withMessage = (scope: ReadScope, stateOnTag: StateOnTag | null): ReadScope => ({
  ...scope,
  ndef: scope.ndef || stateOnTag !== null,
});

const parseReader = (reader: YamlReader): ReaderConfig => {
  const id = reader.text("id", NAME);
  if (id === undefined && !reader.has("id")) reader.problem("id", "is missing");
  const driver = reader.oneOf("driver", ["pcsc", "pn532", "simulated"]);
  if (driver === undefined && !reader.has("driver")) reader.problem("driver", "is missing");
  const { policy, scope } = parsePolicyAndScope(reader);
  const stateOnTag = parseStateOnTag(reader);
  if (stateOnTag !== null && policy.level === "sun") {
    reader.problem(
      "state_on_tag",
      "doesn't go with level: sun, whose tags write their own message",
    );
  }
  const onTap = parseRules(reader);
  const config: ReaderConfig = {
    id: id ?? "",
    driver: driver ?? "pcsc",
    match: reader.text("match", ANY_TEXT) ?? null,
    pn532: driver === "pn532" ? parsePn532(reader) : null,
    optional: false,
    policy,
    scope: withMessage(scope, stateOnTag),
    audit: reader.oneOf("audit", ["now", "first"]) ?? "now",
    onTap,
    stateOnTag,
    checkOut: parseCheckOut(reader, { policy, onTap }),
    gpio: parseGpio(reader),
  };
  reader.refuseUnknownKeys();
  return config;
};

const parseReaders = (root: YamlReader, production: boolean): ReadonlyArray<ReaderConfig> => {
  const readers = root.mappings("readers")?.map(parseReader) ?? [];
  const seen = new Set<string>();
  for (const { id, driver } of readers) {
    if (seen.has(id)) root.problem("readers", `two readers have the id "${id}"`);
    seen.add(id);
    if (production && driver === "simulated") {
      root.problem("readers", `"${id}" is simulated, which production: true forbids`);
    }
  }
  refuseSharedDevices(root, readers);
  return readers;
};

const required = (root: YamlReader, key: string): string => {
  const name = root.text(key, NAME);
  if (name === undefined && !root.has(key)) root.problem(key, "is missing");
  return name ?? "";
};

const parseLinkBrokers = (root: YamlReader): ReadonlyArray<string> | undefined => {
  const link = root.mapping("link");
  const brokers = link?.texts("brokers");
  for (const url of brokers ?? []) {
    if (!/^mqtt:\/\/[^\s/]+(?::[0-9]+)?$/.test(url)) {
      link?.problem("brokers", `"${url}" is not of the form mqtt://host:port`);
    }
  }
  link?.refuseUnknownKeys();
  return brokers;
};

const parseSection = (root: YamlReader, name: string): ListenAddress | null => {
  const section = root.mapping(name);
  if (section === undefined) return null;
  const listen = parseListen(section, "listen");
  if (listen === undefined && !section.has("listen")) section.problem("listen", "is missing");
  section.refuseUnknownKeys();
  return listen ?? null;
};

const parseRoot = (root: YamlReader, folder: string): GatewayConfig => {
  const gateway = required(root, "gateway");
  const path = (key: string, otherwise: string): string =>
    resolve(folder, root.text(key, ANY_TEXT) ?? otherwise);
  const dataDir = path("data_dir", join("/var/lib/tapmesh", gateway));
  const production = root.boolean("production") ?? false;
  const fleetDir = path("fleet_dir", "/etc/tapmesh/fleet");
  const broker = parseSection(root, "broker");
  const readers = parseReaders(root, production);
  const embedded = broker === null ? [] : [`mqtt://${formatListen(broker)}`];
  return {
    gateway,
    fleet: required(root, "fleet"),
    site: root.text("site", NAME) ?? "main",
    timeZone: parseTimeZone(
      root,
      readers.map(({ policy }) => policy),
    ),
    dataDir,
    controlSocket: path("control_socket", join(dataDir, "control.sock")),
    production,
    fleetFiles: {
      roster: join(fleetDir, "roster.txt"),
      fleetKey: join(fleetDir, "fleet.pub"),
      cardKey: join(fleetDir, "card.key"),
      sunKey: join(fleetDir, "sun.key"),
      makeOwn: false,
    },
    readers,
    broker,
    linkBrokers: parseLinkBrokers(root) ?? embedded,
    http: parseSection(root, "http"),
  };
};

/**
 * Left: every problem, each with its line. Relative paths count from the file's folder.
 */
export const parseConfig = (
  text: string,
  file: string,
): E.Either<ReadonlyArray<ConfigProblem>, GatewayConfig> => {
  const { root, problems } = YamlReader.parse(text);
  const config = parseRoot(root, dirname(resolve(file)));
  root.refuseUnknownKeys();
  return problems.length > 0 ? E.left(problems) : E.right(config);
};

/**
 * The configuration of a gateway that was given none: everything below `./var`, on loopback, a PC/SC reader where
 * one is there, a simulated one beside it, and a fleet of its own.
 */
export const demoConfig = (folder: string): GatewayConfig => {
  const dataDir = join(folder, "var/lobby");
  const fleetDir = join(folder, "var/fleet");
  const reader = {
    match: null,
    pn532: null,
    scope: SCOPE_UID,
    policy: OPEN_POLICY,
    audit: "now",
    onTap: DEFAULT_ON_TAP,
    stateOnTag: null,
    checkOut: null,
    gpio: null,
  } as const;
  return {
    gateway: "lobby",
    fleet: "demo",
    site: "main",
    timeZone: null,
    dataDir,
    controlSocket: join(dataDir, "control.sock"),
    production: false,
    fleetFiles: {
      roster: join(fleetDir, "roster.txt"),
      fleetKey: join(fleetDir, "fleet.pub"),
      cardKey: join(fleetDir, "card.key"),
      sunKey: join(fleetDir, "sun.key"),
      makeOwn: true,
    },
    readers: [
      { ...reader, id: "pcsc-1", driver: "pcsc", optional: true },
      { ...reader, id: "sim-1", driver: "simulated", optional: false },
    ],
    broker: { host: "127.0.0.1", port: 1883 },
    linkBrokers: ["mqtt://127.0.0.1:1883"],
    http: { host: "127.0.0.1", port: 8080 },
  };
};
