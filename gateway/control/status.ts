/** The gateway's state of affairs, for `tapmesh status` and `doctor`. */
import { toBase64, toHex } from "#core/bytes.ts";
import { isListed } from "#core/trust/roster.ts";
import { describeAlarm } from "#gateway/queries/alarms.ts";
import type { StatusView } from "#gateway/control/protocol.ts";
import type { Gateway } from "#gateway/gateway.ts";

const authorsOf = (gateway: Gateway): StatusView["authors"] => {
  const epochs = [...gateway.sync.state.replica.values()];
  const byAuthor = Map.groupBy(epochs, ({ author }) => author);
  return [...byAuthor]
    .map(([author, held]) => ({
      gateway: author,
      epochs: held.length,
      records: held.reduce((sum, { head }) => sum + head.range.size, 0),
    }))
    .toSorted((a, b) => a.gateway.localeCompare(b.gateway));
};

export const statusView = async (gateway: Gateway): Promise<StatusView> => {
  const { config, material, writer, memory } = gateway;
  const { publicKey } = material.gatewayKey;
  const roster = gateway.roster();
  const { digest } = await gateway.store.digest();
  const { head } = writer;
  return {
    gateway: config.gateway,
    fleet: config.fleet,
    site: config.site,
    running: true,
    key: toBase64(publicKey),
    inRoster: isListed(roster, config.gateway, publicKey),
    rosterVersion: roster.version,
    epoch: head === null ? null : toHex(head.epoch),
    records: head?.range.size ?? 0,
    hasRoom: gateway.hasRoom(),
    digest,
    cards: memory.index.size,
    readers: gateway.readers.status(),
    brokers: gateway.link.status(),
    authors: authorsOf(gateway),
    risk: await gateway.risk(),
    alarms: gateway.alarms().map((alarm) => ({
      code: alarm.code,
      gateway: alarm.author,
      message: describeAlarm(alarm),
    })),
    counters: gateway.counters.all(),
  };
};
