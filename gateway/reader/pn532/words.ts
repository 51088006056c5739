/** What is wrong with a PN532, for an operator, and what mends it. */
import type { ChipFault } from "#core/reader/pn532/poll-actions.ts";
import type { Pn532Settings } from "#gateway/config/config.ts";

const SWITCHES: Readonly<Record<Pn532Settings["transport"], string>> = {
  uart: "switches for UART (on most boards both off), TX to RX and RX to TX",
  i2c: "switches for I2C (on most boards 1 on, 2 off), SDA to SDA and SCL to SCL",
  spi: "switches for SPI (on most boards 1 off, 2 on), MOSI, MISO, SCK and SS",
};

export const describeChipFault = (fault: ChipFault, settings: Pn532Settings): string => {
  const { device, transport, baud } = settings;
  switch (fault._tag) {
    case "NoAck":
      return `no PN532 answers on ${device}: check its power, its wires and its ${SWITCHES[transport]}`;
    case "NoAnswer":
      return `the PN532 on ${device} hangs: if it stays so, take its power away for a moment`;
    case "AnswerDamaged":
      return `what comes from ${device} is damaged: check baud (${baud} is set), shorten the wires, check the ground wire`;
    case "AnswerToOther":
    case "AnswerMalformed":
    case "CommandRefused":
      return `what answers on ${device} is no PN532, or a faulty one (${fault._tag}): try another board`;
  }
};
