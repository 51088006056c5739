#!/bin/sh
# Compiles the addon of @pokusew/pcsclite for the Node in NODE_DIR: build-pcsclite.sh NODE_DIR
#
# By hand and not with node-gyp: the one that Debian's npm brings links every addon to Debian's
# libnode, so that two V8s share the process; such an addon loads, and crashes the process at its
# end. The defines and language flags are those of node-gyp 12. The module is put in place only
# once it has loaded, so the file's presence means that it works.
set -eu

node_dir=$1
addon=node_modules/@pokusew/pcsclite
fresh=$addon/build/Release/pcsclite.node.new

mkdir -p "$addon/build/Release"
"${CXX:-g++}" -shared -o "$fresh" \
  -std=gnu++20 -O2 -fPIC -pthread -fno-rtti -fno-exceptions -fno-strict-aliasing -w \
  -DNODE_GYP_MODULE_NAME=pcsclite -DBUILDING_NODE_EXTENSION -DUSING_UV_SHARED=1 \
  -DUSING_V8_SHARED=1 -D_GLIBCXX_USE_CXX11_ABI=1 -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE \
  -I"$node_dir/include/node" -I/usr/include/PCSC -Inode_modules/nan \
  "$addon"/src/addon.cpp "$addon"/src/pcsclite.cpp "$addon"/src/cardreader.cpp -lpcsclite
"$node_dir/bin/node" -e 'process.dlopen({ exports: {} }, require("node:path").resolve(process.argv[1]))' "$fresh"
mv "$fresh" "$addon/build/Release/pcsclite.node"
