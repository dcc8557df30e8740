# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# What the tests of mailpeek share: a scratch directory (scratch.sh) with mailpeek.py in it, and
# ways to fill and compare.

MACHINE_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$MACHINE_ROOT/$BUILD ;; esac
# shellcheck source=tests/e2e/scratch.sh
. "$BATS_TEST_DIRNAME/scratch.sh"

setup() {
	SCRATCH=$(mktemp -d)
	scratch_up "$SCRATCH"
	cp "$BATS_TEST_DIRNAME/mailpeek.py" "$SCRATCH/bin/"
	chmod 755 "$SCRATCH/bin/mailpeek.py"
}

teardown() {
	[ -z "${WRITER:-}" ] || kill "$WRITER" 2>/dev/null || true
	rm -rf "$SCRATCH"
}

peek() { scratch mailpeek -C virtmda.conf "$@"; }
python() { scratch mailpeek.py "$@"; }

# letters N: an mbox of N small messages.
letters() {
	local n
	for ((n = 1; n <= $1; n++)); do
		printf 'From a@b.example Thu Jan  1 00:00:%02d 1970\nFrom: Ann <a@b.example>\nSubject: letter %d\n\nbody\n\n' "$n" "$n"
	done
}

put() { scratch sh -c 'cat >"$1"' put "$1"; }

# left_behind MBOX AT BYTES: the dotlock of a delivery that died; it was to write so many bytes from
# offset AT on, where its From_ line stands.
left_behind() {
	printf '99999999\nvirtmda %s %s 1\nmbox %s %d %d\n%s\n' "$(uname -n)" "$(cat /proc/sys/kernel/random/boot_id)" \
		"$(stat -c '%d %i' "$SCRATCH/$1")" "$2" "$3" "$(tail -c +$(($2 + 1)) "$SCRATCH/$1" | head -n 1)" | put "$1.lock"
}

# is EXPECTED ACTUAL
is() {
	[ "$1" = "$2" ] && return
	printf 'expected: %s\nis:       %s\n' "$1" "$2" >&2
	return 1
}

# Nothing but printable ASCII, newlines and well-formed UTF-8 that is not a control character, a
# direction or invisible.
harmless() {
	python3 -c '
import sys, unicodedata
text = sys.stdin.buffer.read().decode("utf-8")
bad = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
if bad: sys.exit("would be obeyed: " + ascii(bad))'
}
