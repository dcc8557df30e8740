#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What was sent is what is read: every body goes into an mbox and into a Maildir and is compared
# byte by byte with what went into sendmail.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	printf '%s\n' 'bob@one.example bob' 'carol@one.example carol@maildir' 'ann@one.example ann' | map
	# carol has a Maildir, the others have mboxes.
	inside sh -c '
		printf "%s\n" "ann:x:20001:20001::/home/ann" "bob:x:20002:20002::/home/bob" \
			"carol@maildir:x:20003:20003::/home/carol::userdb_mail=maildir:~/Maildir" >/etc/virtmda/accounts'
	settings <<<'accounts = passwd-file:/etc/virtmda/accounts'
}

teardown_file() { machine_down; }
setup() { clean; }

# kept FILE [SENT]: FILE is a body; it arrives in both kinds of mailbox as SENT (default FILE).
kept() {
	local file=$1 sent=${2:-$1}
	{ printf 'Subject: bytes\n\n' && cat "$file"; } | post ann@one.example bob@one.example carol@one.example
	arrived "$sent"
}

arrived() {
	body bob 1 >"$BATS_TEST_TMPDIR/mbox"
	MAIL='maildir:/home/%u/Maildir'
	body carol 1 >"$BATS_TEST_TMPDIR/maildir"
	cmp "$1" "$BATS_TEST_TMPDIR/maildir"
	cmp "${2:-$1}" "$BATS_TEST_TMPDIR/mbox"
	is 0 "$(queued)"
}

@test "a small body" {
	printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "no body at all" {
	printf 'Subject: empty\n\n' | post ann@one.example bob@one.example carol@one.example
	: >"$BATS_TEST_TMPDIR/body"
	arrived "$BATS_TEST_TMPDIR/body"
}

@test "empty lines at both ends" {
	printf '\n\n\nx\n\n\n' >"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "lines of dots" {
	printf '.\n..\n...\n.x\n.\n' >"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "every byte over 0x7f" {
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(128, 256)) + b"\n\xff\n")' >"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "NUL and the other control characters" {
	python3 -c 'import sys; sys.stdout.buffer.write(b"a\0b\n\0\n" + bytes(b for b in range(1, 32) if b not in b"\r\n") + b"\n")' \
		>"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "lines of 2046, 2047, 2048, 4096 and 100000 bytes, and a dot behind each" {
	python3 -c 'for n in 2046, 2047, 2048, 4096, 100000: print("x" * n + "\n.")' >"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "From lines are quoted in an mbox, and in an mbox only" {
	printf '%s\n' 'From here' '>From there' '>>From afar' 'From: no' '' 'From ann@x Thu Jan  1 00:00:00 1970' '' 'end' \
		>"$BATS_TEST_TMPDIR/body"
	{ printf 'Subject: bytes\n\n' && cat "$BATS_TEST_TMPDIR/body"; } | post ann@one.example bob@one.example carol@one.example
	sed 's/^>*From />&/' "$BATS_TEST_TMPDIR/body" >"$BATS_TEST_TMPDIR/quoted"
	is 1 "$(count bob)"
	arrived "$BATS_TEST_TMPDIR/body" "$BATS_TEST_TMPDIR/quoted"
}

@test "no newline at the end, sent with sendmail on the command line" {
	{ printf 'Subject: bytes\n\nlast line' | inside /usr/sbin/sendmail -Am -oi -f ann@one.example bob@one.example carol@one.example; }
	send next ann@one.example bob@one.example
	is 2 "$(count bob)"
	is "last line" "$(body bob 1)"
	MAIL='maildir:/home/%u/Maildir'
	is "last line" "$(body carol 1)"
}

@test "no newline at the end, handed to virtmda itself: not a byte is added in a Maildir" {
	local who
	for who in bob carol; do
		printf 'Subject: bytes\n\nlast line' | inside virtmda -f ann@one.example -- $who@one.example
	done
	send next ann@one.example bob@one.example
	is 2 "$(count bob)"
	is "last line" "$(body bob 1)"
	MAIL='maildir:/home/%u/Maildir'
	printf 'last line' >"$BATS_TEST_TMPDIR/body"
	body carol 1 | cmp - "$BATS_TEST_TMPDIR/body"
}

@test "bare carriage returns, handed to virtmda itself" {
	printf 'a\rb\r\nc\r\r\n\r\n' >"$BATS_TEST_TMPDIR/body"
	local who
	for who in bob carol; do
		{ printf 'Subject: bytes\n\n' && cat "$BATS_TEST_TMPDIR/body"; } | inside virtmda -f ann@one.example -- $who@one.example
	done
	arrived "$BATS_TEST_TMPDIR/body"
}

@test "a message of 50 MB" {
	python3 -c '
import random, sys
line = bytes(random.Random(1).choice(b"abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(75)) + b"\n"
for n in range(50 * 1024 * 1024 // 84):
    sys.stdout.buffer.write(b"%08d" % n + line)
' >"$BATS_TEST_TMPDIR/body"
	kept "$BATS_TEST_TMPDIR/body"
}

@test "many small messages keep their order in an mbox" {
	local n
	for n in 1 2 3 4 5 6 7 8; do
		send "$n" ann@one.example bob@one.example
	done
	is "$(seq 8)" "$(headers bob Subject)"
}
