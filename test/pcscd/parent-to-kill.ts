/** A program with readers on PC/SC, for a test to kill: it says when they are up, and runs on. */
import { SCOPE_UID } from "#core/card/read-card.ts";
import type { Journal } from "#gateway/ports.ts";
import { createPcscReaders } from "#gateway/reader/pcsc/pcsc-readers.ts";
import { systemClock as clock } from "#gateway/system.ts";

const ignore: Journal["info"] = () => undefined;
const journal: Journal = { info: ignore, warn: ignore, error: ignore };
const readers = createPcscReaders({ clock, journal }, [
  { id: "door", match: null, scope: SCOPE_UID },
]);
readers.start((event) => process.stdout.write(`${event._tag}\n`));
