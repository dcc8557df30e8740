#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Where virtmaps and sendmail's virtusertable mean the same, they resolve the same.

load helpers

setup_file() { machine; }
setup() { needs_machine; }
teardown_file() { machine_down; }

@test "three thousand random addresses over ten random maps" {
	[ -x /usr/sbin/makemap ] || skip "needs makemap"
	run inside env ${SEED:+SEED="$SEED"} oracle.py 10 300
	is 0 "$status" "$output"
	echo "# $output" >&3
}
