# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# What the tests of virtmap share: a map in a directory of its own, for any user.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac

# begin LINE...: a new directory, $DIR, with settings that keep to it, and these, @DIR standing for
# the directory. The files that they name are for the caller to write.
begin() {
	DIR=$(mktemp -d)
	printf '%s\n' "map = $DIR/virtmaps" "domains = $DIR/domains" "accounts = passwd-file:$DIR/accounts" \
		"${@//@DIR/$DIR}" >"$DIR/conf"
}

teardown() { rm -rf "$DIR"; }

v() { "$BUILD/virtmap" -C "$DIR/conf" "$@"; }

# state: every byte and mode that a failure must leave alone.
state() { (cd "$DIR" && for f in virtmaps virtmaps.gdbm domains virtmaps.log; do stat -c '%n %a %i %s %y' $f; cksum $f; done 2>&1) || :; }

# fails STATUS WORDS COMMAND...: it ends so, says WORDS, and nothing has changed.
fails() {
	local want=$1 words=$2 before
	shift 2
	before=$(state)
	run v "$@"
	echo "virtmap $*: $status: $output"
	[ "$status" -eq "$want" ]
	[[ $output == *"$words"* ]]
	[ "$(state)" = "$before" ]
	[ -z "$(find "$DIR" -name '*.new.*')" ]
}
