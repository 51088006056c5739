/** What a check-out has come to, for people. */
import type { CheckOutView } from "#core/verdict/check-out-view.ts";

export const thingsWords = (count: number): string => {
  if (count === 0) return "nothing checked out or in";
  return count === 1 ? "1 thing checked out or in" : `${count} things checked out or in`;
};

/** `device`: the badge or the thing that was tapped. */
export const checkOutWords = (device: string, checkOut: CheckOutView): string => {
  switch (checkOut.step) {
    case "begun":
      return `${device}: hold the first thing within ${checkOut.withinMs / 1_000} s; as long again after each`;
    case "ended":
      return `${device}: done, ${thingsWords(checkOut.thingCount)}`;
    case "checked-out":
      return `${device} checked out to ${checkOut.person}`;
    case "checked-in":
      return `${device} checked in`;
  }
};
