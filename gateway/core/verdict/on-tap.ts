/** What an accepted tap does to its device, as the reader's configuration says. */
import { TYPE, type Operation, type Scalar, type WriteName } from "#core/log/operation.ts";

export type TapValue =
  | { readonly _tag: "Literal"; readonly value: boolean | number | string }
  /** `$gateway`, `$site`, `$reader`: where the tap was. `$time`: its wall time in ms. */
  | { readonly _tag: "Place"; readonly of: "gateway" | "site" | "reader" | "time" };

export type TapRule =
  | { readonly _tag: "Set"; readonly key: string; readonly to: TapValue }
  | { readonly _tag: "Add"; readonly key: string; readonly by: number }
  | { readonly _tag: "Max"; readonly key: string; readonly to: TapValue };

export interface TapPlace {
  readonly gateway: string;
  readonly site: string;
  readonly reader: string;
  readonly time: number;
}

/** The writes of a device's key that are known here: what a new write replaces. */
export type KnownWrites = (key: string, type: number) => ReadonlyArray<WriteName>;

const resolve = (value: TapValue, place: TapPlace): Scalar =>
  value._tag === "Literal" ? value.value : place[value.of];

export const operationsFor = (
  rules: ReadonlyArray<TapRule>,
  place: TapPlace,
  knownWrites: KnownWrites,
): ReadonlyArray<Operation> =>
  rules.map((rule): Operation => {
    switch (rule._tag) {
      case "Set": {
        const replaces = knownWrites(rule.key, TYPE.register);
        return { key: rule.key, type: TYPE.register, value: resolve(rule.to, place), replaces };
      }
      case "Add":
        return { key: rule.key, type: TYPE.counter, value: rule.by, replaces: [] };
      case "Max":
        return {
          key: rule.key,
          type: TYPE.max,
          value: Number(resolve(rule.to, place)),
          replaces: [],
        };
    }
  });
