/** What leaves the site in a bundle: nothing that was planted as a secret, wherever it was planted. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bundleText } from "#gateway/cli/doctor/bundle.ts";
import { redact } from "#gateway/cli/doctor/redact.ts";
import { healthyPi, worldOf } from "#test/unit/cli/doctor/fake-world.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The ways in which a UID, a hash or a key may stand in a text. */
const FORMS: ReadonlyArray<(bytes: Uint8Array) => string> = [
  hex,
  (bytes) => hex(bytes).toUpperCase(),
  (bytes) => hex(bytes).replaceAll(/(..)(?=.)/g, "$1 "),
  (bytes) =>
    hex(bytes)
      .replaceAll(/(..)(?=.)/g, "$1:")
      .toUpperCase(),
  (bytes) => hex(bytes).replaceAll(/(..)(?=.)/g, "$1-"),
  (bytes) => `x'${hex(bytes)}'`,
  (bytes) => `card_${hex(bytes)}_`,
];

const bytes = (byteCount: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: byteCount, maxLength: byteCount });
const secret = fc.oneof(bytes(4), bytes(7), bytes(10), bytes(16), bytes(32));

/** Nothing of the text's digits, however they are set apart, has these in a row. */
const has = (text: string, planted: Uint8Array): boolean =>
  text.toLowerCase().replaceAll(/[ :-]/g, "").includes(hex(planted));

describe("redaction", () => {
  test("leaves no UID, hash or key, in whatever form it stands", () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...FORMS), (planted, form) => {
        for (const around of ["UID ", '{"uid":"', "", "at reader door: "]) {
          expect(has(redact(`${around}${form(planted)}", more`), planted)).toBe(false);
        }
      }),
    );
  });

  test("leaves no key in base64, and no password", () => {
    fc.assert(
      fc.property(bytes(32), (planted) => {
        const text = Buffer.from(planted).toString("base64");
        expect(redact(`key ${text}`)).not.toContain(text.slice(0, 20));
        const url = Buffer.from(planted).toString("base64url");
        expect(redact(`(${url})`)).not.toContain(url.slice(0, 20));
      }),
    );
    for (const text of [
      "mqtt://gate:s3cret@hub:1883",
      'password: "s3cret"',
      '{"token":"s3cret","a":1}',
      "MQTT_PASSWORD=s3cret",
      "client_secret = 's3cret'",
      "passphrase: s3cret",
    ]) {
      expect(redact(text)).not.toContain("s3cret");
    }
  });

  test("leaves what helps: words, dates, times, sizes, addresses", () => {
    for (const text of [
      "2026-11-22T12:00:05.123Z reader.failed door did not answer in time",
      "disk: 8000 MiB free for /var/lib/tapmesh",
      "brokers: [mqtt://192.168.100.200:1883]",
      "pn533_usb 20480 0 - Live",
      "reader   door   DOWN   for 12 s   steps taken: restart-child ×2",
    ]) {
      expect(redact(text)).toBe(text);
    }
  });
});

test("a bundle has none of the secrets that were planted in every source it has", async () => {
  const planted = {
    uid: "04A1B2C3D4E5F6",
    uid4: "DEADBEEF",
    card: "7a698f67245e43b322571221f8a5bd87",
    key: "7b0d3c1e".repeat(8),
    base64: Buffer.alloc(32, 0xa7).toString("base64"),
    password: "hunter2",
  };
  const all = `uid ${planted.uid} ${planted.uid4} card ${planted.card} key ${planted.key} ${planted.base64} password=${planted.password} mqtt://u:${planted.password}@hub`;
  const machine = healthyPi();
  machine.files["/etc/os-release"] = `NAME=Debian ${all}`;
  machine.files["/boot/firmware/config.txt"] = all;
  machine.files["/boot/firmware/cmdline.txt"] = all;
  const world = worldOf(machine);
  const loud = {
    ...world,
    run: (...line: ReadonlyArray<string>) =>
      Promise.resolve({ code: 0, out: `${line.join(" ")} says ${all}` }),
  };
  const finding = { what: "usb", found: `seen ${all}`, advice: all, cure: null };
  const text = await bundleText(loud, {
    findings: [finding],
    config: `gateway: lobby\nlink: { brokers: ["mqtt://u:${planted.password}@hub"] }\n# ${all}`,
    status: { gateway: "lobby", key: planted.base64, digest: planted.key, note: all },
  });
  for (const value of Object.values(planted)) {
    expect(text.toLowerCase()).not.toContain(value.toLowerCase());
  }
  for (const part of ["gateway: lobby", "== status", "== uname -a", "journalctl", "NAME=Debian"]) {
    expect(text).toContain(part);
  }
});

test("a bundle of a machine on which nothing can be run says so", async () => {
  const text = await bundleText(worldOf(healthyPi()), { findings: [], config: null, status: null });
  expect(text).toContain("the gateway does not run");
  expect(text).toContain("exit code none");
});
