/** What an accepted tap does to its device, as the reader's configuration says. */
import { TYPE, type Operation, type Scalar, type WriteName } from "#core/log/operation.ts";
import type { NextWrite, TypedKey } from "#core/verdict/known-registers.ts";

export type TapValue =
  | { readonly _tag: "Literal"; readonly value: null | boolean | number | string }
  /** `$gateway`, `$site`, `$reader`: where the tap was. `$time`: its wall time in ms. */
  | { readonly _tag: "Place"; readonly of: "gateway" | "site" | "reader" | "time" };

export type TapRule =
  /** A register: the newest counts. */
  | { readonly _tag: "Set"; readonly key: string; readonly to: TapValue }
  /** exclusive: like a register, and two who claim at once are shown as a conflict. */
  | { readonly _tag: "Claim"; readonly key: string; readonly to: TapValue }
  /** A set gets one more member. */
  | { readonly _tag: "Collect"; readonly key: string; readonly to: TapValue }
  | { readonly _tag: "Add"; readonly key: string; readonly by: number }
  | { readonly _tag: "Max" | "Min"; readonly key: string; readonly to: TapValue };

export interface TapPlace {
  readonly gateway: string;
  readonly site: string;
  readonly reader: string;
  readonly time: number;
}

/** The writes of a device's key that are known here and that this one replaces. */
export type KnownWrites = (write: NextWrite) => ReadonlyArray<WriteName>;

const TYPE_OF = {
  Set: TYPE.register,
  Claim: TYPE.exclusive,
  Collect: TYPE.set,
  Add: TYPE.counter,
  Max: TYPE.max,
  Min: TYPE.min,
} as const;

/** What the rule makes of its key. */
export const typeWrittenBy = ({ _tag }: TapRule): number => TYPE_OF[_tag];

/** The keys whose standing writes a tap has to know: those that it replaces. */
export const keysReplacedBy = (rules: ReadonlyArray<TapRule>): ReadonlyArray<TypedKey> =>
  rules
    .filter(({ _tag }) => _tag === "Set" || _tag === "Claim" || _tag === "Collect")
    .map(({ _tag, key }) => ({ key, type: TYPE_OF[_tag] }));

const resolve = (value: TapValue, place: TapPlace): Scalar =>
  value._tag === "Literal" ? value.value : place[value.of];

export const operationsFor = (
  rules: ReadonlyArray<TapRule>,
  place: TapPlace,
  knownWrites: KnownWrites,
): ReadonlyArray<Operation> =>
  rules.map((rule): Operation => {
    const { key } = rule;
    const type = TYPE_OF[rule._tag];
    switch (rule._tag) {
      case "Set":
      case "Claim":
      case "Collect": {
        const value = resolve(rule.to, place);
        return { key, type, value, replaces: knownWrites({ key, type, value }) };
      }
      case "Add":
        return { key, type, value: rule.by, replaces: [] };
      case "Max":
      case "Min":
        return { key, type, value: Number(resolve(rule.to, place)), replaces: [] };
    }
  });
