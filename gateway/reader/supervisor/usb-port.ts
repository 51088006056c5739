/** Where on the USB a reader is plugged in. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const textOf = (file: string): string => {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return ""; // many devices don't say what they are, and any may be gone by now
  }
};

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder);
  } catch {
    return []; // a machine without USB
  }
};

/** `1-1.3`; interfaces have a colon in their name, and a bus's own hub is `usb1`. */
const PORT = /^\d+-\d+(?:\.\d+)*$/;

/**
 * The ports at which a device says that it is this product: what PC/SC calls a reader has the product's name in it,
 * and so has what the configuration looks for. Two of a kind can't be told apart here.
 */
export const usbPortsOf = (sysRoot: string, name: string): ReadonlyArray<string> => {
  const devices = join(sysRoot, "bus/usb/devices");
  return namesIn(devices).filter((port) => {
    if (!PORT.test(port)) return false;
    const product = textOf(join(devices, port, "product"));
    return product !== "" && (name.includes(product) || product.includes(name));
  });
};
