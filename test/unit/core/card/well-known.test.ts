import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex, utf8 } from "#core/bytes.ts";
import type { NdefRecord } from "#core/card/ndef.ts";
import {
  decodeText,
  decodeUri,
  externalRecord,
  mimeRecord,
  textRecord,
  uriRecord,
} from "#core/card/well-known.ts";
import { hex } from "#test/unit/core/card/hex.ts";

const wellKnown = (type: string, payload: Uint8Array): NdefRecord => ({
  tnf: "well-known",
  type: utf8(type),
  id: new Uint8Array(0),
  payload,
});

describe("decodeUri", () => {
  test.each([
    ["01 6E66632E636F6D", "http://www.nfc.com"], // URI RTD 1.0, appendix A.1
    ["05 2B33353839313233343536373839", "tel:+3589123456789"], // appendix A.2
    ["00 6D6D733A2F2F", "mms://"],
    ["04 6578616D706C652E636F6D", "https://example.com"],
    ["1E 31", "urn:epc:id:1"],
    ["23 736E", "urn:nfc:sn"],
    ["04", "https://"],
  ])("%s is %s", (payload, uri) => {
    expect(decodeUri(wellKnown("U", hex(payload)))).toEqual(E.right(uri));
  });

  test("says what is wrong", () => {
    expect(decodeUri(wellKnown("T", hex("0161")))).toEqual(E.left({ _tag: "RecordTypeOther" }));
    expect(decodeUri({ ...wellKnown("U", hex("0161")), tnf: "external" })).toEqual(
      E.left({ _tag: "RecordTypeOther" }),
    );
    expect(decodeUri(wellKnown("U", hex("")))).toEqual(E.left({ _tag: "PayloadTruncated" }));
    expect(decodeUri(wellKnown("U", hex("24 61")))).toEqual(
      E.left({ _tag: "UriPrefixReserved", code: 0x24 }),
    );
    expect(decodeUri(wellKnown("U", hex("04 FF")))).toEqual(E.left({ _tag: "PayloadNotUtf8" }));
  });
});

describe("decodeText", () => {
  test("a text comes back as it was", () => {
    fc.assert(
      fc.property(fc.constantFrom("", "en", "de-CH"), fc.string(), (language, text) => {
        const payload = concatBytes(Uint8Array.of(language.length), utf8(language), utf8(text));
        expect(decodeText(wellKnown("T", payload))).toEqual(E.right({ language, text }));
      }),
    );
  });

  test("says what is wrong", () => {
    expect(decodeText(wellKnown("U", hex("00")))).toEqual(E.left({ _tag: "RecordTypeOther" }));
    expect(decodeText(wellKnown("T", hex("")))).toEqual(E.left({ _tag: "PayloadTruncated" }));
    expect(decodeText(wellKnown("T", hex("02 65")))).toEqual(E.left({ _tag: "PayloadTruncated" }));
    expect(decodeText(wellKnown("T", hex("82 656E 0041")))).toEqual(
      E.left({ _tag: "TextInUtf16" }),
    );
    expect(decodeText(wellKnown("T", hex("02 656E C0")))).toEqual(
      E.left({ _tag: "PayloadNotUtf8" }),
    );
  });
});

test("any payload decodes or is refused", () => {
  fc.assert(
    fc.property(fc.constantFrom("U", "T"), fc.uint8Array(), (type, payload) => {
      const decoded = [decodeUri(wellKnown(type, payload)), decodeText(wellKnown(type, payload))];
      expect(decoded.filter(E.isLeft).length).toBeGreaterThanOrEqual(1);
    }),
  );
});

const decodedUri = (uri: string): unknown => decodeUri(uriRecord(uri));

describe("records to write", () => {
  test("a URI gets the longest prefix that has a code, and is that URI again", () => {
    expect(toHex(uriRecord("https://www.example.org/x").payload).slice(0, 2)).toBe("02");
    expect(toHex(uriRecord("urn:epc:id:7").payload).slice(0, 2)).toBe("1e");
    expect(toHex(uriRecord("geo:1,2").payload).slice(0, 2)).toBe("00");
    fc.assert(
      fc.property(fc.webUrl(), fc.string({ unit: "grapheme" }), (url, text) => {
        expect(decodedUri(url)).toEqual(E.right(url));
        expect(decodedUri(text)).toEqual(E.right(text));
      }),
    );
  });

  test("a text is that text again, in its language", () => {
    const record = textRecord({ language: "de-CH", text: "Grüezi" });
    expect(record && decodeText(record)).toEqual(E.right({ language: "de-CH", text: "Grüezi" }));
  });

  test.each(["", "d e", "x".repeat(64), "é"])("%j is no language", (language) => {
    expect(textRecord({ language, text: "" })).toBeUndefined();
  });

  test.each(["", "png", "image/", "/png", "image/p ng", "a/b/c"])("%j is no MIME type", (type) => {
    expect(mimeRecord(type, new Uint8Array())).toBeUndefined();
  });

  test.each(["", "example.com", ":x", "example:x", "example.com:", "ex ample.com:x"])(
    "%j is no external type",
    (type) => {
      expect(externalRecord(type, new Uint8Array())).toBeUndefined();
    },
  );

  test("MIME and external records carry their bytes as they are", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(mimeRecord("image/svg+xml", bytes)).toMatchObject({ tnf: "media", payload: bytes });
    expect(externalRecord("tapmesh.example:tool", bytes)).toMatchObject({ tnf: "external" });
  });
});
