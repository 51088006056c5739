/** One text file to send to whoever helps: findings, configuration, state and journal, without what is secret. */
import { type Finding } from "#gateway/cli/doctor/finding.ts";
import { redact } from "#gateway/cli/doctor/redact.ts";
import type { World } from "#gateway/cli/doctor/world.ts";

const COMMANDS: ReadonlyArray<readonly [string, ...string[]]> = [
  ["uname", "-a"],
  ["uptime"],
  ["df", "-h"],
  ["free", "-m"],
  ["timedatectl", "status"],
  ["lsusb"],
  ["lsmod"],
  ["systemctl", "--no-pager", "status", "tapmesh", "pcscd.socket", "pcscd.service"],
  ["journalctl", "--no-pager", "--lines=500", "--unit=tapmesh"],
  ["journalctl", "--no-pager", "--lines=200", "--unit=pcscd"],
  ["dmesg", "--level=err,warn"],
];
const FILES = ["/etc/os-release", "/boot/firmware/config.txt", "/boot/firmware/cmdline.txt"];
/** Of each part: enough for what helps, and no more than can be sent by mail. */
const PART_CHARS_MAX = 100_000;

export interface BundleParts {
  readonly findings: ReadonlyArray<Finding>;
  /** The configuration's text, as it is in its file. */
  readonly config: string | null;
  /** What the running gateway says of itself. */
  readonly status: object | null;
}

/** Every part goes through `redact`, by whatever way it came. */
export const bundleText = async (world: World, parts: BundleParts): Promise<string> => {
  const sections: [string, string][] = [
    ["findings", parts.findings.map((finding) => JSON.stringify(finding)).join("\n")],
    ["configuration", parts.config ?? "none"],
    [
      "status",
      parts.status === null ? "the gateway does not run" : JSON.stringify(parts.status, null, 1),
    ],
    ...FILES.map((file): [string, string] => [file, world.read(file) ?? "not there"]),
  ];
  for (const command of COMMANDS) {
    const { code, out } = await world.run(...command);
    sections.push([command.join(" "), `${out}\n(exit code ${code ?? "none: not there"})`]);
  }
  const body = sections.map(
    ([title, text]) => `== ${title}\n${redact(text).slice(-PART_CHARS_MAX)}\n`,
  );
  const head = `tapmesh doctor, ${new Date(world.wallMs()).toISOString()}; without UIDs, hashes, keys and passwords`;
  return [head, ...body].join("\n");
};
