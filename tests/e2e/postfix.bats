#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Postfix asks virtmap serve, wired as in samples/postfix-main.cf.

load helpers
# shellcheck source=tests/e2e/postfix.sh
. "$BATS_TEST_DIRNAME/postfix.sh"

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	LACK=$(postfix_lack)
	[ -z "$LACK" ] || return 0
	map <<-'EOT'
		ann@one.example        ann
		bob+x@one.example      bob
		bob@one.example        away@far.example
		"odd name"@one.example bob
		left@one.example       error:5.1.6:553 Left us
		later@one.example      error:4.2.1:450 moving house
		typo@one.example       nobodyhere
		away@one.example       someone@far.example
		both@one.example       someone@far.example, carol
		help@one.example       postmaster
		full@one.example       dave
		@two.example           carol
		.deep.example          dave
	EOT
	# Whatever is routed shall show where to.
	sed '/^virtual_transport/d' "$MACHINE_ROOT/samples/postfix-main.cf" >"$BATS_FILE_TMPDIR/main.cf"
	printf 'virtual_transport = discard:\ndefault_transport = discard:\nlocal_transport = discard:\nmyorigin = localhost\n' \
		>>"$BATS_FILE_TMPDIR/main.cf"
	inside mkdir -p /run/virtmda
	postfix_up <"$BATS_FILE_TMPDIR/main.cf"
}

teardown_file() { machine_down; }

setup() {
	clean
	settings </dev/null
	serve
	inside chgrp postfix /run/virtmda/socket
}

teardown() { [ -n "$LACK" ] || serve_stop; }

# rcpt ADDRESS: Postfix's reply to it, addresses left out.
rcpt() {
	inside post.py -p 10025 -r -s eve@far.example "$1" </dev/null 2>/dev/null |
		sed -n '/^> RCPT/,/^>/s/^< //p' | sed "s/<[^>]*>: //"
}

# done_with DIALOGUE: waits until Postfix has said that it is done with the message of that session;
# $id is the message's. A notice to the postmaster about an earlier session may still be under way.
done_with() {
	id=$(sed -n 's/^< 250 .* queued as \([[:alnum:]]*\)$/\1/p' <<<"$1")
	[ -n "$id" ] || is "queued as" "$1"
	for _ in $(seq 100); do
		! inside grep -q "postfix/qmgr.* $id: removed" /run/log || return 0
		sleep 0.1
	done
	is "$id: removed" "no such line"
}

# goes_to ADDRESS RECIPIENT...: mail for it ends at exactly these, on its way out of Postfix.
goes_to() {
	local address=$1
	shift
	done_with "$(letter hello | post -s -p 10025 eve@far.example "$address")"
	is "$(printf '%s\n' "$@" | sort)" \
		"$(inside sed -n "s/.*postfix\/discard.* $id: to=<\([^>]*\)>.*status=sent.*/\1/p" /run/log | sort)" "$address"
}

@test "every recipient has its answer at RCPT" {
	is "250 2.1.5 Ok" "$(rcpt ann@one.example)"
	is "250 2.1.5 Ok" "$(rcpt Ann@ONE.example)"
	is "250 2.1.5 Ok" "$(rcpt bob+x@one.example)"
	is "250 2.1.5 Ok" "$(rcpt '"odd name"@one.example')"
	is "250 2.1.5 Ok" "$(rcpt any.body@two.example)"
	is "250 2.1.5 Ok" "$(rcpt x@a.b.deep.example)"
	is "250 2.1.5 Ok" "$(rcpt both@one.example)"
	is "250 2.1.5 Ok" "$(rcpt postmaster@one.example)"
	[[ $(rcpt nobody@one.example) == "550 5.1.1 "*"no such user: nobody@one.example"* ]]
	[[ $(rcpt left@one.example) == "553 5.1.6 "*"Left us"* ]]
	[[ $(rcpt later@one.example) == "450 4.2.1 "*"moving house"* ]]
	[[ $(rcpt typo@one.example) == "451 4.3."* ]] || is "451 4.3" "$(rcpt typo@one.example)"
	# Not the map's: from here they may be relayed.
	is "250 2.1.5 Ok" "$(rcpt x@far.example)"
	is "250 2.1.5 Ok" "$(rcpt x@deep.example)"
}

# full: dave's mailbox is above his quota.
full() {
	inside sh -c '
		{ echo "From x@far.example Sun Nov 22 18:00:00 2026"; echo; head -c 20000 /dev/zero | tr "\0" x; echo; echo; } >/var/mail/dave
		chown dave:mail /var/mail/dave
		chmod 660 /var/mail/dave'
	echo 'quota = storage=10' | settings
	serve_stop
	serve
	inside chgrp postfix /run/virtmda/socket
}

@test "a full mailbox is full at RCPT" {
	full
	[[ $(rcpt full@one.example) == "452 4.2.2 "*"the mailbox is full"* ]] || is "452 4.2.2" "$(rcpt full@one.example)"
	is "250 2.1.5 Ok" "$(rcpt ann@one.example)"
}

@test "forwards, lists and aliases are resolved by Postfix, accounts are left to virtmda" {
	goes_to ann@one.example ann@one.example
	goes_to away@one.example someone@far.example
	goes_to both@one.example someone@far.example carol@localhost
	goes_to help@one.example postmaster@localhost
	# Not what bob@one.example is.
	goes_to bob+x@one.example bob+x@one.example
	goes_to any.body@two.example any.body@two.example
}

# A smtpd remembers for an address that it could not be told.
@test "no map, and no server: put off, never unknown" {
	inside mv /etc/virtmda/virtmaps.gdbm /run/away
	run rcpt nobody1@one.example
	inside mv /run/away /etc/virtmda/virtmaps.gdbm
	[[ $output == "451 4.3."* ]] || is "451 4.3" "$output"
	[[ $(rcpt nobody2@one.example) == "550 5.1.1 "* ]] || is "550 5.1.1" "$(rcpt nobody2@one.example)"
	serve_stop
	[[ $(rcpt nobody3@one.example) == "451 4.3."* ]] || is "451 4.3" "$(rcpt nobody3@one.example)"
	serve
	inside chgrp postfix /run/virtmda/socket
	[[ $(rcpt nobody4@one.example) == "550 5.1.1 "* ]] || is "550 5.1.1" "$(rcpt nobody4@one.example)"
}

@test "a domain that comes and goes is noticed at once" {
	inside virtmap add new@three.example ann
	is "250 2.1.5 Ok" "$(rcpt new@three.example)"
	inside virtmap rm new@three.example
	[[ $(rcpt new@three.example) != "550 5.1.1"* ]]
	run postfix postmap -q three.example socketmap:unix:/run/virtmda/socket:domain
	is 1 "$status"
	run postfix postmap -q two.example socketmap:unix:/run/virtmda/socket:domain
	is virtmap "$output"
}

@test "one session, delivered over LMTP: who was refused at RCPT is not told again" {
	{
		sed '/^virtual_transport/d' "$BATS_FILE_TMPDIR/main.cf"
		echo "virtual_transport = lmtp:unix:/run/virtmda/lmtp"
	} >"$BATS_TEST_TMPDIR/main.cf"
	postfix_stop
	postfix_up <"$BATS_TEST_TMPDIR/main.cf"
	inside lmtp.py accept /run/virtmda/lmtp 1 virtmda -l >/dev/null 2>&1 3>&- &
	for _ in $(seq 100); do
		! inside test -S /run/virtmda/lmtp || break
		sleep 0.05
	done
	inside chmod 666 /run/virtmda/lmtp
	full
	output=$(letter hello | inside post.py -p 10025 -s eve@far.example \
		nobody@one.example full@one.example left@one.example any@two.example ann@one.example later@one.example \
		bob+x@one.example 2>&1)
	is "550 452 553 250 250 450 250" "$(printf '%s\n' "$output" | sed -n '/^> RCPT/{n;s/^< \(...\).*/\1/p}' | paste -sd ' ')" "$output"
	done_with "$output"
	nothing_but ann bob carol dave
	is 1 "$(count ann)"
	is 0 "$(count root)"
	is any@two.example "$(headers carol Delivered-To)"
	is bob+x@one.example "$(headers bob Delivered-To)"
	is "" "$(postfix postqueue -j)"
	unlogged 'postfix/bounce'
}
