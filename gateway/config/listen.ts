/** Addresses to listen on, as `host:port`. */
import type { ListenAddress } from "#gateway/config/config.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";

const LISTEN = { regex: /^(?:[^\s:]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$/, meaning: "host:port" };

export const parseListen = (reader: YamlReader, key: string): ListenAddress | undefined => {
  const text = reader.text(key, LISTEN);
  if (text === undefined) return undefined;
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (port <= 65_535) return { host: text.slice(0, colon).replaceAll(/[[\]]/g, ""), port };
  reader.problem(key, "port must be at most 65535");
  return undefined;
};

/** An IPv6 address stands in brackets before a port. */
export const formatListen = ({ host, port }: ListenAddress): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
