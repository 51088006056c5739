#!/bin/sh
# The command `tapmesh` of a checkout: gateway/main.ts under the checkout's own Node 24, in the
# caller's directory. Called by path, by make, and by npx through a symlink.
gateway=$(dirname -- "$(readlink -f -- "$0")")
case $(uname -m) in
  x86_64) arch=x64 ;;
  *) arch=arm64 ;;
esac
node=$gateway/../node_modules/node-linux-$arch/bin/node
if [ ! -x "$node" ]; then
  echo "tapmesh: no Node 24 in this checkout; run 'make run' first" >&2
  exit 1
fi
# Node strips the types of each file once and keeps the result: half the start, a quarter less memory.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$gateway/../var/compile-cache}
export NODE_COMPILE_CACHE
# A small young generation: a third less memory, for a process that waits most of the time.
exec "$node" --max-semi-space-size=1 --disable-warning=ExperimentalWarning "$gateway/main.ts" "$@"
