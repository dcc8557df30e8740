#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Install what building and testing need from Debian's packages: as root, or with sudo
# where it asks for no password. Otherwise say the one apt line, and go on as long as
# there is enough to build. Never removes a package: on a host that runs another mail
# server the tests with a real sendmail are left out instead.
set -eu

BUILD_PACKAGES="gcc make pkg-config libc6-dev libgdbm-dev libbsd-dev libidn2-dev libunistring-dev libxxhash-dev
	libgmime-3.0-dev libjansson-dev"
TEST_PACKAGES="check bats python3 strace util-linux procps xxhash"
LINT_PACKAGES="clang clang-format cppcheck shellcheck mandoc valgrind libclang-rt-dev binutils"
PEER_PACKAGES="procmail maildrop mutt liblockfile-bin dovecot-core dovecot-imapd dovecot-lmtpd"
SENDMAIL_PACKAGES="sendmail-bin sendmail-cf sensible-mda m4"

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
	for package in "$@"; do
		is_installed "$package" || printf '%s ' "$package"
	done
}

# Word splitting is what turns the lists into arguments.
# shellcheck disable=SC2086
missing=$(missing_of $BUILD_PACKAGES $TEST_PACKAGES $LINT_PACKAGES $PEER_PACKAGES $SENDMAIL_PACKAGES)
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: no apt-get here; install the counterparts of: $missing" >&2
	exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
	as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	echo "deps: missing: $missing"
	echo "deps: not root, so nothing is installed. To install: apt-get install -y --no-install-recommends $missing"
	# shellcheck disable=SC2086
	lacking=$(missing_of $BUILD_PACKAGES)
	[ -z "$lacking" ] && exit 0
	echo "deps: cannot build without: $lacking" >&2
	exit 1
fi

# Debian starts a server as soon as it is installed. The tests start their own on loopback
# and nothing else shall listen, so starting is refused for as long as apt runs.
policy=/usr/sbin/policy-rc.d
made_policy=""
log=$(mktemp)
cleanup() {
	[ -z "$made_policy" ] || $as_root rm -f "$policy"
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
fi

apt() {
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1
}

# shellcheck disable=SC2086
install() {
	apt install --no-install-recommends --no-remove "$@" || {
		apt update && apt install --no-install-recommends --no-remove "$@"
	}
}

echo "deps: installing $missing"
# shellcheck disable=SC2086
if install $missing; then
	exit 0
fi
# One package that cannot be had (sendmail beside another mail server, say) shall not
# keep the others away.
failed=""
for package in $missing; do
	install "$package" || failed="$failed $package"
done
[ -z "$failed" ] && exit 0
echo "deps: could not be installed:$failed (the tests that need them are skipped)" >&2
sed 's/^/deps: apt: /' "$log" | tail -n 5 >&2
# shellcheck disable=SC2086
[ -z "$(missing_of $BUILD_PACKAGES)" ]
