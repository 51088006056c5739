#!/bin/sh
# Makes a checkout ready: setup.sh run|test. README.md beside this file says what it does and why.
# Safe to run at any time; a run that finds everything done takes a few hundredths of a second.
set -eu

purpose=${1:-}
case $purpose in
  run | test) ;;
  *)
    echo "usage: provisioning/setup.sh run|test" >&2
    exit 2
    ;;
esac

cd "$(dirname -- "$(readlink -f -- "$0")")/.."
checkout=$(pwd -P)
log=var/setup.log
stamp=node_modules/.tapmesh-setup
pcsc_module=node_modules/@pokusew/pcsclite/build/Release/pcsclite.node

say() { printf 'setup   %s\n' "$*"; }
warn() { printf 'setup: %s\n' "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

# --- the machine -------------------------------------------------------------------------------

command -v dpkg-query >/dev/null ||
  die "this is not Debian or Raspberry Pi OS (no dpkg); nothing else was tried"
# dpkg's word and not uname's: 32-bit Raspberry Pi OS runs a 64-bit kernel.
debian_arch=$(dpkg --print-architecture)
case $debian_arch in
  amd64) arch=x64 ;;
  arm64) arch=arm64 ;;
  *) die "architecture $debian_arch is not supported: Node 24 and better-sqlite3 exist for amd64 and arm64; install the 64-bit Raspberry Pi OS or Debian" ;;
esac
glibc=$(getconf GNU_LIBC_VERSION)
case $glibc in
  "glibc 2."*) [ "${glibc#glibc 2.}" -ge 34 ] || die "$glibc is too old, 2.34 is needed: upgrade to Debian 12 (bookworm) or newer" ;;
esac

mkdir -p var 2>/dev/null && [ -w . ] && [ -w var ] ||
  die "$checkout can't be written by $(id -un); run: sudo chown -R $(id -un): '$checkout'"
# make run and make test may be started at the same moment.
exec 9>var/setup.lock
flock 9

# A checkout's own Node 24 on PATH must not run the npm that is about to delete it.
PATH=$(printf %s "$PATH" | sed "s|$checkout/node_modules/[^:]*:*||g")

node_dir=$checkout/node_modules/node-linux-$arch
stamp_now="$(sha256sum <package-lock.json) $arch" # the lock fixes the Node version too
modules_current() { [ "$(cat $stamp 2>/dev/null)" = "$stamp_now" ] && [ -x "$node_dir/bin/node" ]; }

# --- Debian packages ---------------------------------------------------------------------------

# Any Node from 18 on, with npm, will do: it only fetches Node 24.
npm_works() {
  command -v npm >/dev/null && major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) &&
    [ "$major" -ge 18 ]
}

packages_missing() {
  for package in "$@"; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *" installed") ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

essential=
modules_current || npm_works || essential="nodejs npm"
wanted=pcscd
[ -e $pcsc_module ] || wanted="$wanted g++ libpcsclite-dev"
# g++ also compiles the tests' shim round pcscd; socat is the emulated PN532's wire, and libnfc its judge; the Go
# packages are the oracle for signed notes and trees.
[ "$purpose" = run ] ||
  essential="$essential g++ libnfc-bin socat vsmartcard-vpcd mosquitto gpiod golang-go golang-golang-x-mod-dev"

# shellcheck disable=SC2046,SC2086 # package lists are split on purpose
install_packages() {
  missing=$(packages_missing $(printf '%s\n' $essential $wanted | sort -u))
  [ -n "$missing" ] || return 0
  command_line="apt-get install -y --no-install-recommends ${missing% }"
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    warn "cannot install packages without root; run: sudo $command_line"
    return 0
  fi
  say "installing Debian packages: $missing"
  # The tests start their own broker; the package alone must not leave one running.
  case " $missing" in
    *" mosquitto "*)
      [ -e /etc/systemd/system/mosquitto.service ] ||
        $as_root ln -s /dev/null /etc/systemd/system/mosquitto.service ||
        die "cannot mask mosquitto.service"
      ;;
  esac
  # Without vpcd's entry in reader.conf.d: with it the machine's own pcscd would take emulated
  # cards from the network, on port 35963 of every address.
  {
    $as_root apt-get update -q -o DPkg::Lock::Timeout=120
    $as_root env DEBIAN_FRONTEND=noninteractive $command_line -q -o DPkg::Lock::Timeout=120 \
      -o Dpkg::Options::=--path-exclude=/etc/reader.conf.d/vpcd </dev/null
  } >>$log 2>&1 9>&- ||
    warn "packages could not be installed (is the network up? $log has apt's words); run: sudo $command_line"
}
install_packages

# shellcheck disable=SC2086
missing=$(packages_missing $essential)
[ -z "$missing" ] || die "cannot go on without: $missing"

# --- npm packages and Node 24 ------------------------------------------------------------------

# npm leaves out optional packages (oxlint's, rolldown's) whose engines the Node that runs it does
# not meet, and says nothing. So npm itself runs on Node 24, fetched first for this one use.
install_modules() {
  npm_works || die "the node on PATH ($(command -v node || echo none)) is older than 18 or has no npm; run: sudo apt-get install -y --no-install-recommends nodejs npm, and put /usr/bin first on PATH"
  say "installing Node 24 and the npm packages"
  npm_flags="--ignore-scripts --no-save --no-audit --no-fund --loglevel=error"
  npm_node_dir=$node_dir
  {
    if [ ! -x "$node_dir/bin/node" ]; then
      npm_node_dir=$checkout/var/node/node_modules/node-linux-$arch
      node_version=$(sed -n "s/.*\"node-linux-$arch\": \"\(.*\)\".*/\1/p" package.json)
      # shellcheck disable=SC2086 # the flags are split on purpose
      npm install $npm_flags --no-package-lock --prefix var/node "node-linux-$arch@$node_version"
    fi &&
      PATH=$npm_node_dir/bin:$PATH npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  } >>$log 2>&1 || {
    tail -n 5 $log >&2
    die "npm could not install the packages (is the network up? all of it is in $log); then run the same command again"
  }
  rm -rf var/node
  [ -x "$node_dir/bin/node" ] || die "npm did not install node-linux-$arch; run: npm ci --ignore-scripts"
  "$node_dir/bin/node" -e 'new (require("better-sqlite3"))(":memory:").close()' >>$log 2>&1 ||
    die "better-sqlite3 does not load; $log says why"
  # npm 9 links no node at all, and no npm links a package's own command.
  ln -sfn "../node-linux-$arch/bin/node" node_modules/.bin/node
  ln -sfn ../../gateway/tapmesh.sh node_modules/.bin/tapmesh
  printf '%s\n' "$stamp_now" >$stamp
}
modules_current || install_modules

# --- the PC/SC module --------------------------------------------------------------------------

modules=ok
if [ ! -e $pcsc_module ]; then
  say "building the PC/SC module"
  if ! provisioning/checkout/build-pcsclite.sh "$node_dir" >>$log 2>&1; then
    modules="PC/SC missing"
    warn "the PC/SC module can't be built, USB readers won't work ($log says why); run: sudo apt-get install -y --no-install-recommends g++ libpcsclite-dev"
  fi
fi

pcscd=ok
if [ -n "$(packages_missing pcscd)" ]; then
  pcscd=missing
elif [ "$purpose" = run ] && [ ! -S /run/pcscd/pcscd.comm ]; then
  pcscd="not running"
fi

say "Node 24 ok · pcscd $pcscd · modules $modules"
[ "$modules" = ok ] || [ "$purpose" = run ] || [ "${CI:-}" != true ] ||
  die "CI needs the PC/SC module"
