#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make demo: it runs to its end, checks itself, and leaves nothing behind.

load helpers

setup() {
	TMPDIR=$(mktemp -d)
	export TMPDIR
	chmod 755 "$TMPDIR"
	outside >"$BATS_TEST_TMPDIR/before"
}

teardown() { rm -rf "$TMPDIR"; }

# What a demo could leave: files, mounts, a listener on port 25 or 587 (0019 and 024B).
outside() {
	ls -A "$TMPDIR" /etc/virtmda /etc/mail /var/mail /var/spool/mqueue 2>&1 || true
	cksum /etc/passwd /etc/group /etc/mail/sendmail.cf 2>&1 || true
	sort /proc/self/mounts
	grep -E ':(0019|024B) ' /proc/net/tcp /proc/net/tcp6 || true
}

# tidy: as it was, and plain text of a readable width.
tidy() {
	outside | diff "$BATS_TEST_TMPDIR/before" -
	[ -z "$(printf '%s' "$output" | tr -d '\n\t -~')" ] || is "printable text" "$output"
	[[ $output != *"$TMPDIR"* ]] || is "no path of this run" "$output"
}

@test "with sendmail" {
	lack=$(machine_lack)
	[ -z "$lack" ] || skip "$lack"
	run sh "$MACHINE_ROOT/tests/e2e/demo.sh"
	[ "$status" -eq 0 ] || is "exit status 0" "$status: $output"
	[[ $output == *'5 messages delivered, 2 returned'* ]]
	tidy
}

@test "without sendmail" {
	run sh "$MACHINE_ROOT/tests/e2e/demo.sh" scratch
	[ "$status" -eq 0 ] || is "exit status 0" "$status: $output"
	[[ $output == *'5 messages delivered, 2 refused'* ]]
	tidy
}
