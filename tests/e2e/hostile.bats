#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What users can put where their mailbox should be, and what strangers can put into an address.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	printf '%s\n' 'ann@one.example ann' 'bob@one.example bob' 'odd.example carol' 'self.example %1' \
		'twice.example %1@one.example' | map
}

teardown_file() { machine_down; }
setup() { clean; }

# refused: mail for bob waits and nothing outside has changed; once the obstacle is gone it
# arrives.
refused() {
	inside sh -c 'find /home /var/mail /etc -not -name "*.lock" -type f -exec sha256sum {} + | sort >/run/before'
	send waiting ann@one.example bob@one.example
	deferred
	inside sh -c 'find /home /var/mail /etc -not -name "*.lock" -type f -exec sha256sum {} + | sort | cmp - /run/before'
	is "" "$(inside find /var/mail -name '*.lock')" "locks left"
	inside sh -c 'rm -rf /var/mail/bob'
	run_queue
	is 0 "$(queued)" queued
	is waiting "$(headers bob Subject)"
}

@test "a symbolic link to a file of the account's own" {
	inside sh -c 'echo precious >/home/bob/file; chown bob:bob /home/bob/file; ln -s /home/bob/file /var/mail/bob'
	refused
}

@test "a symbolic link to a file of root's" {
	inside ln -s /etc/passwd /var/mail/bob
	refused
}

@test "a symbolic link to nothing" {
	inside ln -s /home/bob/new /var/mail/bob
	refused
	inside test ! -e /home/bob/new
}

@test "a hard link" {
	inside sh -c 'echo precious >/var/mail/other; chown bob:mail /var/mail/other; chmod 660 /var/mail/other
		ln /var/mail/other /var/mail/bob'
	refused
	is precious "$(inside cat /var/mail/other)"
}

@test "a FIFO that nobody reads" {
	inside sh -c 'mkfifo /var/mail/bob; chown bob:mail /var/mail/bob; chmod 660 /var/mail/bob'
	refused
}

@test "a directory" {
	inside sh -c 'mkdir /var/mail/bob; chown bob:mail /var/mail/bob'
	refused
}

@test "a socket" {
	inside python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/var/mail/bob")'
	inside chown bob:mail /var/mail/bob
	refused
}

@test "a mailbox of somebody else's" {
	inside sh -c 'echo precious >/var/mail/bob; chown carol:mail /var/mail/bob; chmod 666 /var/mail/bob'
	refused
}

@test "a Maildir that is a symbolic link into another account" {
	settings <<<'mailbox = maildir:~/Maildir'
	inside sh -c '
		for d in new cur tmp; do mkdir -p /home/carol/Maildir/$d; done
		chown -R carol:carol /home/carol
		ln -s /home/carol/Maildir /home/bob/Maildir; chown -h bob:bob /home/bob/Maildir'
	send waiting ann@one.example bob@one.example
	settings </dev/null
	deferred
	is "" "$(inside find /home/carol -type f)"
}

@test "a Maildir whose new is a symbolic link to a place of root's" {
	settings <<<'mailbox = maildir:~/Maildir'
	inside sh -c '
		mkdir -p /home/bob/Maildir/cur /home/bob/Maildir/tmp
		ln -s /etc/virtmda /home/bob/Maildir/new; chown -hR bob:bob /home/bob/Maildir
		ls -A /etc/virtmda >/run/before'
	send waiting ann@one.example bob@one.example
	settings </dev/null
	deferred
	inside sh -c 'ls -A /etc/virtmda | cmp - /run/before'
}

# odd ADDRESS [AS-DELIVERED]: an address is a key and nothing else.
odd() {
	clean
	inside touch /run/mark
	send odd ann@one.example "$1"
	is odd "$(headers carol Subject)" "$1"
	is "${2:-$1}" "$(header carol 1 Delivered-To)" "$1"
	nothing_but carol
	is "" "$(inside find /etc /home /var/tmp /tmp/etc -newer /run/mark -type f 2>/dev/null)" "written elsewhere"
}

@test "addresses that look like options, paths and programs" {
	odd -oops@odd.example
	odd -f@odd.example
	odd --@odd.example
	odd ../../etc/x@odd.example
	odd /etc/passwd@odd.example
	odd '"|/bin/sh"@odd.example' '|/bin/sh@odd.example'
	odd '%s%n%1%2@odd.example'
	odd '$home`id`@odd.example'
	odd '*@odd.example'
	odd '#@odd.example'
}

@test "addresses with quoted blanks, quotes, commas and colons" {
	odd '"a b"@odd.example' 'a b@odd.example'
	odd '"a,b"@odd.example' 'a,b@odd.example'
	odd '"a;b"@odd.example' 'a;b@odd.example'
	odd '":include:/etc/passwd"@odd.example' ':include:/etc/passwd@odd.example'
}

@test "a comma in quotes does not become a second recipient" {
	send comma ann@one.example '"root,ann"@self.example'
	is 0 "$(queued)" queued
	# Refused as one unknown user: ann has the notice, not the message.
	is 1 "$(count ann)"
	body ann 1 | grep -qx 'Status: 5.1.1'
	is "" "$(inside ls /var/mail | grep -vx ann)" "other mailboxes"
	clean
	send comma ann@one.example '"bob,ann"@twice.example'
	is "" "$(inside ls /var/mail | grep -vx ann)" "other mailboxes"
	is 0 "$(headers ann Subject | grep -cx comma)" "copies for ann"
}

@test "an address in UTF-8, and in bytes that are not" {
	odd 'bücher@odd.example'
	clean
	send odd ann@one.example $'b\xfccher@odd.example'
	is odd "$(headers carol Subject)"
}

@test "a local part longer than 64 bytes, as VERP and SRS make them, is delivered as any other" {
	clean
	send long ann@one.example "$(printf 'x%.0s' $(seq 65))@odd.example"
	is 0 "$(queued)" queued
	is 0 "$(count ann)"
	is long "$(headers carol Subject)"
}
