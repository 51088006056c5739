/** Who caused a record, and how things are named in bodies. */
import { isCount, isList, isText, type CborValue } from "#core/log/cbor.ts";

export const ACTOR = { gateway: 0, reader: 1, operator: 2, localUser: 3, policy: 4 } as const;

export interface Actor {
  readonly kind: number;
  readonly name: string;
}

export const NAME_LENGTH_MAX = 64;
export const DEVICE_NAME_PATTERN: RegExp = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export const encodeActor = (actor: Actor): CborValue => [actor.kind, actor.name];

export const decodeActor = (value: CborValue | undefined): Actor | undefined => {
  if (value === undefined || !isList(value, 8)) return undefined;
  const [kind, name] = value;
  return isCount(kind) && isText(name, NAME_LENGTH_MAX) ? { kind, name } : undefined;
};
