#!/bin/bash
# Tries this checkout on a fresh Debian: try.sh bookworm|trixie [root|user]. Needs root and mmdebstrap.
#
# Builds a root that has only git, make and certificates, puts the checkout's files in, and does
# there what the README promises, as root or as a user with sudo. FRESH_FILES: what of this
# machine's own settings (certificates, proxies, registries) goes along, at the same paths.
set -euo pipefail
suite=${1:?usage: try.sh bookworm|trixie [root|user]}
who=${2:-root}
checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
files=${FRESH_FILES:-/usr/local/share/ca-certificates /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d/99* $HOME/.npmrc}

work=$(mktemp -d "${TMPDIR:-/tmp}/tapmesh-fresh.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
include=git,make,ca-certificates
[ "$who" = root ] || include=$include,sudo

echo "fresh   building $suite"
mmdebstrap --quiet --variant=minbase --include="$include" "$suite" "$root" ${FRESH_MIRROR:+"$FRESH_MIRROR"}
for file in $files; do
  [ ! -e "$file" ] || cp -rL --parents "$file" "$root"
done
mkdir -p "$root/srv/tapmesh"
git -C "$checkout" ls-files --cached --others --exclude-standard -z |
  tar -C "$checkout" --null --files-from=- -c | tar -C "$root/srv/tapmesh" -x

cat >"$root/trial.sh" <<'TRIAL'
set -eu
cd /srv/tapmesh
trap '[ $? = 0 ] || tail -n 40 var/setup.log' EXIT
seconds() { date +%s.%N; }
since() { awk "BEGIN { printf \"fresh   %-28s %.2f s\n\", \"$2\", $(seconds) - $1 }"; }

t=$(seconds); provisioning/setup.sh run; since "$t" "first set-up"
t=$(seconds); provisioning/setup.sh run; since "$t" "second set-up"
for modules in better-sqlite3 nfc-pcsc; do
  node_modules/.bin/node -e "require('$modules')"
  echo "fresh   $modules loads"
done
gateway/tapmesh.sh --help >/dev/null
(cd gateway && npx tapmesh --help >/dev/null)
echo "fresh   tapmesh and npx tapmesh start"
t=$(seconds); make test; since "$t" "make test with its set-up"
t=$(seconds); make check; since "$t" "make check"
TRIAL

# In a mount namespace of its own, so that nothing stays mounted however this ends, and on the
# root's own device nodes, so that nothing done there reaches this machine's.
export root who
unshare --mount bash -euc '
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/run"
  chroot "$root" update-ca-certificates >/dev/null 2>&1
  login=root
  if [ "$who" = user ]; then
    chroot "$root" useradd --create-home tapper
    echo "tapper ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/tapper"
    if [ -e "$root/root/.npmrc" ]; then cp "$root/root/.npmrc" "$root/home/tapper/"; fi
    chroot "$root" chown -R tapper: /home/tapper /srv/tapmesh
    login=tapper
  fi
  exec env -i LANG=C.UTF-8 ${CI:+CI="$CI"} ${http_proxy:+http_proxy="$http_proxy"} \
    ${https_proxy:+https_proxy="$https_proxy"} ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"} \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot --userspec="$login" "$root" sh -c "HOME=~$login; export HOME; exec sh /trial.sh"'
