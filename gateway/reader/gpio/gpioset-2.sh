#!/bin/sh
# Shows a pattern on GPIO lines with libgpiod 2 (Debian 13). Behind the last step the lines are let go of: off.
# gpioset-2.sh CHIP STEP...   a step: MS:LINE=VALUE,LINE=VALUE…, or MS: for a pause
set -eu
chip=$1
shift
# Who is told to stop lets go of the lines before the next pattern takes them.
trap 'kill "$!" 2>/dev/null || true; wait; exit 0' TERM
for step in "$@"; do
  ms=${step%%:*}
  lines=$(echo "${step#*:}" | tr , ' ')
  if [ -z "$lines" ]; then
    sleep "$((ms / 1000)).$(printf %03d "$((ms % 1000))")" &
  else
    # shellcheck disable=SC2086 # one word a line
    gpioset --chip "$chip" --hold-period "${ms}ms" --toggle 0 $lines &
  fi
  wait "$!"
done
