/** What is used of i2c-bus 5.2.3, which has no types. */
declare module "i2c-bus" {
  export interface PromisifiedBus {
    i2cRead(
      address: number,
      length: number,
      buffer: Buffer,
    ): Promise<{ readonly bytesRead: number; readonly buffer: Buffer }>;
    i2cWrite(address: number, length: number, buffer: Buffer): Promise<unknown>;
    close(): Promise<void>;
  }
  export function openPromisified(busNumber: number): Promise<PromisifiedBus>;
}
