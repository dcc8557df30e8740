#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Many deliveries to one mailbox at once, while other programs lock it as they do.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	printf '%s\n' 'ann@one.example ann' 'bob@one.example bob' | map
}

teardown_file() { machine_down; }
setup() { clean; }

# each_once ACCOUNT COUNT: subjects 0 … COUNT-1, each once.
each_once() {
	is "$(seq 0 $(($2 - 1)))" "$(headers "$1" Subject | sort -n)" "subjects"
	is "" "$(inside find /var/mail -name '*.lock')" "locks left"
}

@test "two hundred deliveries by sixteen processes, while four lock programs take turns" {
	send start ann@one.example bob@one.example
	inside sh -c ': >/var/mail/bob'
	run inside contention.py /var/mail/bob 200 16 bob@one.example
	is 0 "$status" "$output"
	each_once bob 200
	is "message 7" "$(inside grep -m 1 -x 'message 7' /var/mail/bob)"
}

@test "the same with the mail directory at 3777" {
	inside chmod 3777 /var/mail
	send start ann@one.example bob@one.example
	inside sh -c ': >/var/mail/bob'
	run inside contention.py /var/mail/bob 60 16 bob@one.example
	inside chmod 2775 /var/mail
	is 0 "$status" "$output"
	each_once bob 60
}

@test "sixteen clients at a time by SMTP, into an mbox that is not there yet and into a Maildir" {
	local box
	for box in 'mbox:/var/mail/%u' 'maildir:/home/%u/Maildir'; do
		settings <<<"mailbox = $box"
		inside sh -c '
			client() {
				for n in 0 1 2; do
					printf "Subject: %d\n\nx\n" $(($1 * 3 + $n)) | post.py ann@one.example bob@one.example
				done
			}
			for c in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do client $c & done
			wait'
		is 0 "$(queued)"
		MAIL=$box each_once bob 48
	done
}
