/**
 * Sites with a network between them that can be cut: a bridge and one veth pair a site, each in a network namespace
 * of its own. The namespaces have no names and live in processes that die with this one, so that nothing of them is
 * left, whatever becomes of the test. Works as root, and elsewhere by a user namespace.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { DYING_WITH_PARENT } from "#test/gateway/child.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";

const IP = "/usr/sbin/ip";
const IS_ROOT = process.getuid?.() === 0;
const NEW_USER = IS_ROOT ? [] : ["--user", "--map-root-user"];
const SAME_USER = IS_ROOT ? [] : ["--user", "--preserve-credentials"];
/** Of /proc/net/tcp. */
const ESTABLISHED = "01";

/** A process that holds a namespace open. */
const holdNamespace = async (
  enter: ReadonlyArray<string>,
  user: ReadonlyArray<string>,
): Promise<ChildProcess> => {
  const command = [
    ...enter,
    "unshare",
    ...user,
    "--net",
    ...DYING_WITH_PARENT,
    "sleep",
    "infinity",
  ];
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, { stdio: ["ignore", "ignore", "inherit"] });
  await eventuallyTrue("a network namespace", () => {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended`);
    return readFileSync(`/proc/${child.pid}/comm`, "utf8").trim() === "sleep";
  });
  if (readlinkSync(`/proc/${child.pid}/ns/net`) === readlinkSync("/proc/self/ns/net")) {
    throw new Error("no namespace of its own");
  }
  return child;
};

const enterNamespace = ({ pid }: ChildProcess): readonly [string, ...string[]] => [
  "nsenter",
  `--target=${pid}`,
  "--net",
  ...SAME_USER,
];

const hexOf = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, "0");

/** As /proc/net/tcp writes an IPv4 address: its bytes backwards. */
const addressInHex = (address: string): string =>
  address
    .split(".")
    .toReversed()
    .map((byte) => hexOf(Number(byte), 2))
    .join("");

export class SiteNetwork implements Disposable {
  readonly #hub: ChildProcess;
  readonly #sites = new Map<string, ChildProcess>();

  private constructor(hub: ChildProcess) {
    this.#hub = hub;
  }

  /** All sites reach each other. */
  static async between(sites: ReadonlyArray<string>): Promise<SiteNetwork> {
    if (!existsSync(IP)) {
      throw new Error(`${IP} not found: apt-get install -y --no-install-recommends iproute2`);
    }
    const network = new SiteNetwork(await holdNamespace([], NEW_USER));
    try {
      network.#ip(network.#hub, "link add name br0 type bridge", "link set dev br0 up");
      for (const site of sites) await network.#add(site);
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
    return network;
  }

  async #add(site: string): Promise<void> {
    const child = await holdNamespace(enterNamespace(this.#hub), []);
    this.#sites.set(site, child);
    this.#ip(
      this.#hub,
      `link add name ${site} type veth peer name eth0 netns ${child.pid}`,
      `link set dev ${site} master br0 up`,
    );
    const address = `${this.addressOf(site)}/24`;
    this.#ip(child, `addr add ${address} dev eth0`, "link set dev eth0 up", "link set dev lo up");
  }

  #ip(where: ChildProcess, ...commands: ReadonlyArray<string>): void {
    const [program, ...rest] = enterNamespace(where);
    execFileSync(program, [...rest, IP, "-batch", "-"], { input: `${commands.join("\n")}\n` });
  }

  #site(name: string): ChildProcess {
    const child = this.#sites.get(name);
    if (child === undefined) throw new Error(`no site ${name}`);
    return child;
  }

  addressOf(site: string): string {
    return `10.77.0.${[...this.#sites.keys()].indexOf(site) + 1}`;
  }

  /** The command that runs a program at that site. */
  within(site: string): ReadonlyArray<string> {
    return enterNamespace(this.#site(site));
  }

  /** From now on packets from and to that site vanish; nobody is told, no connection is reset. */
  cut(site: string): void {
    this.#ip(this.#hub, `link set dev ${site} nomaster`);
  }

  heal(site: string): void {
    this.#ip(this.#hub, `link set dev ${site} master br0`);
  }

  /** TCP connections to a port at `site` that its kernel holds for established, with clients at `client`. */
  connectionCount(site: string, port: number, client: string): number {
    const lines = readFileSync(`/proc/${this.#site(site).pid}/net/tcp`, "utf8")
      .split("\n")
      .slice(1);
    const local = `${addressInHex(this.addressOf(site))}:${hexOf(port, 4)}`;
    const remote = `${addressInHex(this.addressOf(client))}:`;
    return lines
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, own, other, state]) =>
          own === local && other?.startsWith(remote) === true && state === ESTABLISHED,
      ).length;
  }

  [Symbol.dispose](): void {
    for (const child of [...this.#sites.values(), this.#hub]) child.kill("SIGKILL");
  }
}
