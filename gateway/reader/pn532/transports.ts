/** The wires there are. Their libraries are loaded only where one is configured: two of them are native modules. */
import * as E from "fp-ts/lib/Either.js";
import { HSU_WAKE } from "#core/reader/pn532/commands.ts";
import type { Pn532Settings } from "#gateway/config/config.ts";
import type { LineUnavailable, OpenLine } from "#gateway/reader/pn532/line.ts";

interface Transport {
  /** Never rejects. */
  readonly load: () => Promise<E.Either<LineUnavailable, OpenLine>>;
  /** What wakes a sleeping chip, before the first command. On a bus being addressed does, and the command is sent again. */
  readonly wake: Uint8Array;
}

export type Transports = Readonly<Record<Pn532Settings["transport"], Transport>>;

/** A native module may be missing, or made for another Node. */
const orAdvice = async (
  loading: Promise<OpenLine>,
  reason: string,
): Promise<E.Either<LineUnavailable, OpenLine>> => {
  try {
    return E.right(await loading);
  } catch {
    return E.left({ _tag: "LineUnavailable", reason });
  }
};

const NO_WAKE = new Uint8Array(0);
const NOT_BUILT =
  "is not built: sudo apt-get install -y g++, then provisioning/checkout/build-bus-modules.sh in the checkout";

export const TRANSPORTS: Transports = {
  uart: {
    load: () =>
      orAdvice(
        import("#gateway/reader/pn532/uart.ts").then(({ openUart }) => openUart),
        "serialport can't be loaded: npm ci --ignore-scripts in the checkout",
      ),
    wake: HSU_WAKE,
  },
  i2c: {
    load: () =>
      orAdvice(
        import("#gateway/reader/pn532/i2c.ts").then(({ openI2c }) => openI2c),
        `the I2C module ${NOT_BUILT}`,
      ),
    wake: NO_WAKE,
  },
  spi: {
    load: () =>
      orAdvice(
        import("#gateway/reader/pn532/spi.ts").then(({ openSpi }) => openSpi),
        `the SPI module ${NOT_BUILT}`,
      ),
    wake: NO_WAKE,
  },
};
