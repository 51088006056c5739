/** The machine under the gateway: disk, clock, and the way to the brokers. */
import { classifyClock, clockClassName } from "#core/clock/clock-class.ts";
import { CLOCK_CLASS } from "#core/log/body.ts";
import { type Finding, ok, wrong } from "#gateway/cli/doctor/finding.ts";
import type { World } from "#gateway/cli/doctor/world.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { DISK_FREE_BYTES_MIN } from "#gateway/limits.ts";

const MIB = 1_048_576;
/** Below it there is still room, but not for long: a gateway in a fleet writes some MB a day. */
const DISK_LOW_BYTES = 200 * MIB;

/** The options that the file system of this path is mounted with: of the longest mount point above it. */
const mountOptions = (world: World, path: string): ReadonlyArray<string> => {
  const mounts = (world.read("/proc/mounts") ?? "").split("\n").map((line) => line.split(" "));
  const above = mounts
    .filter(
      ([, point]) => point !== undefined && `${path}/`.startsWith(`${point.replace(/\/$/, "")}/`),
    )
    .toSorted(([, a = ""], [, b = ""]) => b.length - a.length);
  return above[0]?.[3]?.split(",") ?? [];
};

const examineRoom = (world: World, dataDir: string): Finding => {
  if (!world.exists(dataDir)) return ok("disk", `${dataDir} is made at the first start`);
  if (mountOptions(world, dataDir).includes("ro")) {
    return wrong(
      "disk",
      `${dataDir} is mounted read-only: the kernel does that to a card that fails`,
      {
        advice:
          "look for the cause: sudo dmesg | grep -i mmc; then replace the card: tapmesh restore",
      },
    );
  }
  const free = world.freeBytes(dataDir);
  if (free === null) {
    return wrong("disk", `${dataDir} can't be looked at`, { advice: "run as the gateway's user" });
  }
  const found = `${Math.floor(free / MIB)} MiB free for ${dataDir}`;
  if (free >= DISK_LOW_BYTES) return ok("disk", found);
  const what = free < DISK_FREE_BYTES_MIN ? "nothing can be recorded" : "it will be full soon";
  return wrong("disk", found, {
    advice: `make room, ${what}: sudo journalctl --vacuum-size=50M && sudo apt-get clean`,
  });
};

/** Only eMMC and good cards tell: tenths of their life that are used, in hex, of two kinds of memory. */
const examineWear = (world: World): Finding | undefined => {
  for (const name of world.list("/sys/block").filter((disk) => disk.startsWith("mmcblk"))) {
    const text = world.read(`/sys/block/${name}/device/life_time`);
    if (text === null) continue;
    const used = Math.max(...text.trim().split(/\s+/).map(Number));
    if (!Number.isFinite(used) || used === 0) continue;
    const found = `${name} has used up to ${Math.min(used * 10, 100)} % of its life`;
    if (used < 9) return ok("wear", found);
    return wrong("wear", found, {
      advice:
        "replace it soon: a new card, then tapmesh restore brings everything back from the peers",
    });
  }
  return undefined;
};

const examineClock = (world: World): Finding => {
  const wallMs = world.wallMs();
  const clockClass = classifyClock({
    ntpSynchronized: world.exists("/run/systemd/timesync/synchronized"),
    hasHardwareClock: world.exists("/dev/rtc0"),
    wallMs,
  });
  const found = `${new Date(wallMs).toISOString()} (${clockClassName(clockClass)})`;
  if (clockClass !== CLOCK_CLASS.none) return ok("clock", found);
  return wrong("clock", found, {
    advice:
      "the clock was never set: connect the network for NTP (timedatectl shows it); taps are recorded all the same",
  });
};

const placeOf = (url: string): { readonly host: string; readonly port: number } | undefined => {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  return { host: hostname, port: port === "" ? 1_883 : Number(port) };
};

/** A broker is named without what may stand before the @: a password. */
const examineBroker = async (world: World, url: string): Promise<Finding> => {
  const place = placeOf(url);
  if (place === undefined) {
    return wrong("broker", "its URL can't be read", { advice: "correct link.brokers" });
  }
  const { host, port } = place;
  const why = await world.reach(host, port);
  if (why === null) return ok("broker", `${host}:${port} can be reached`);
  return wrong("broker", `${host}:${port} can't be reached: ${why}`, {
    advice: `taps are recorded all the same; look at the network: ping ${host}`,
  });
};

const isOwn = ({ broker }: GatewayConfig, url: string): boolean => {
  const place = placeOf(url);
  return broker !== null && place?.port === broker.port && place.host === broker.host;
};

/** `isRunning`: the gateway itself says which brokers it is connected to, and its own one is there only then. */
export const examineMachine = async (
  world: World,
  config: GatewayConfig,
  isRunning: boolean,
): Promise<ReadonlyArray<Finding>> => {
  const urls = isRunning ? [] : config.linkBrokers.filter((url) => !isOwn(config, url));
  return [
    examineRoom(world, config.dataDir),
    examineWear(world),
    examineClock(world),
    ...(await Promise.all(urls.map((url) => examineBroker(world, url)))),
  ].filter((finding) => finding !== undefined);
};
