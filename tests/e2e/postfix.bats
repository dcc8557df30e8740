#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmda's programs beside Postfix, which asks and delivers over sockets.

load helpers
# shellcheck source=tests/e2e/postfix.sh
. "$BATS_TEST_DIRNAME/postfix.sh"

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	LACK=$(postfix_lack)
	[ -z "$LACK" ] || return 0
	postfix_up <<-'EOT'
		virtual_mailbox_domains = one.example
		virtual_mailbox_maps = texthash:/run/mailboxes
		virtual_transport = discard:
	EOT
}

teardown_file() { machine_down; }
setup() { clean; }

# send_to_postfix SUBJECT SENDER RECIPIENT...
send_to_postfix() {
	local subject=$1
	shift
	letter "$subject" | post -p 10025 "$@"
}

@test "Postfix takes a recipient that its map knows, and refuses another at RCPT" {
	echo 'ann@one.example x' | write /run/mailboxes
	run send_to_postfix hello eve@far.example ann@one.example
	is 0 "$status" "$output"
	logged 'postfix/discard.*to=<ann@one.example>.*status=sent'
	run send_to_postfix hello eve@far.example nobody@one.example
	is 1 "$status"
	[[ $output == *"550 5.1.1 <nobody@one.example>"* ]] || is "550 5.1.1" "$output"
}
