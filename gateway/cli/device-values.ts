/** `tapmesh device set`, `add`, `remove`: a device's values. */
import { Option, type Command } from "commander";
import { askAndPrint } from "#gateway/cli/ask.ts";
import { EXIT, type CommonOptions, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { parseScalar } from "#gateway/cli/scalar.ts";
import { formatValue } from "#gateway/cli/words.ts";
import { VALUE_TYPES, type ValueType } from "#gateway/control/protocol.ts";
import type { JsonScalar } from "#gateway/queries/values.ts";

interface Assignment {
  readonly device: string;
  readonly key: string;
  readonly value: JsonScalar;
}

/** Undefined for what is no `key=value`, which was said. */
const assignmentOf = (
  io: Io,
  verb: string,
  [device, text]: readonly [string, string],
): Assignment | undefined => {
  const equals = text.indexOf("=");
  if (equals >= 1) {
    return { device, key: text.slice(0, equals), value: parseScalar(text.slice(equals + 1)) };
  }
  io.err(`${verb}: expected key=value, not "${text}"`);
  return undefined;
};

interface SetOptions extends CommonOptions {
  readonly type?: ValueType;
}

const set = async (
  io: Io,
  given: readonly [string, string],
  options: SetOptions,
): Promise<ExitCode> => {
  const assignment = assignmentOf(io, "set", given);
  if (assignment === undefined) return EXIT.usage;
  const { device, key } = assignment;
  return askAndPrint(io, options, {
    request: { verb: "set", ...assignment, type: options.type ?? null, user: io.user },
    words: ({ value }) => `set       ${device}   ${key}=${formatValue(key, value)}`,
  });
};

const member = async (
  io: Io,
  given: readonly [string, string],
  options: CommonOptions & { readonly verb: "add" | "remove" },
): Promise<ExitCode> => {
  const { verb } = options;
  const assignment = assignmentOf(io, verb, given);
  if (assignment === undefined) return EXIT.usage;
  const { device, key } = assignment;
  return askAndPrint(io, options, {
    request: { verb: "member", ...assignment, isToStay: verb === "add", user: io.user },
    words: ({ members, changed }) =>
      `${verb.padEnd(8)}  ${device}   ${key}=${formatValue(key, members)}${changed ? "" : "   (was a member already)"}`,
  });
};

/** Adds the verbs to `tapmesh device`. */
export const registerDeviceValues = (
  device: Command,
  io: Io,
  end: (code: ExitCode) => void,
): void => {
  const type = new Option(
    "--type <type>",
    "of a new key; it keeps it (default: register). Of an exclusive one two values that did not know of each other are a conflict",
  ).choices(VALUE_TYPES);
  device
    .command("set")
    .argument("<device>")
    .argument("<key=value>")
    .description("set a value; safety is active, suspended, lost or revoked")
    .addOption(type)
    .addHelpText(
      "after",
      "\nExamples:\n  tapmesh device set cart-7 colour=red\n  tapmesh device set cart-7 safety=lost\n  tapmesh device set cart-7 holder=ann --type exclusive\n  tapmesh device set cart-7 visits=0",
    )
    .action(async (...given: [string, string, object, Command]) => {
      const [name, assignment, , command] = given;
      end(await set(io, [name, assignment], command.optsWithGlobals()));
    });
  for (const verb of ["add", "remove"] as const) {
    device
      .command(verb)
      .argument("<device>")
      .argument("<key=value>")
      .description(
        verb === "add"
          ? "add a member to a set"
          : "remove a member from a set; who adds it at the same time wins",
      )
      .addHelpText("after", `\nExample:\n  tapmesh device ${verb} cart-7 tags=fragile`)
      .action(async (...given: [string, string, object, Command]) => {
        const [name, assignment, , command] = given;
        const options: CommonOptions = command.optsWithGlobals();
        end(await member(io, [name, assignment], { ...options, verb }));
      });
  }
};
