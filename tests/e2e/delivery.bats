#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# SMTP in, mailbox out: who gets a message, and what becomes of one that nobody gets. Every
# mailbox is read by Python, mutt and Dovecot.

load helpers

# The map that most tests use.
the_map() {
	cat <<-'EOT'
		# Two customers, each with a webmaster.
		ann@one.example           ann
		webmaster@one.example     ann
		sales+spring@one.example  bob
		sales++@one.example       carol
		sales@one.example         ann

		webmaster@two.example     bob
		two.example               carol

		@three.example            dave
		+*@four.example           carol
		four.example              dave

		exact@deep.example        ann
		.deep.example             bob
		exact@a.deep.example      carol

		gone@five.example         error:5.7.1:550 Bob has left the company
		busy@five.example         error:tempfail Come back later
		void@five.example         discard:
		%@five.example            ann
		move@five.example         webmaster@two.example
		ghost@five.example        nosuchaccount
	EOT
}

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	the_map | map
}

teardown_file() { machine_down; }
setup() { clean; }

@test "the same user in two domains is two people" {
	send first ann@one.example webmaster@one.example
	send second ann@one.example webmaster@two.example
	nothing_but ann bob
	is first "$(headers ann Subject)"
	is second "$(headers bob Subject)"
	is "This is second." "$(body bob 1)"
}

@test "a catch-all takes what has no entry, in both spellings" {
	send one ann@one.example nobody@two.example
	send two ann@one.example nobody@three.example
	nothing_but carol dave
	is one "$(headers carol Subject)"
	is two "$(headers dave Subject)"
}

@test "an exact entry beats the catch-all, wherever either stands in the file" {
	printf '%s\n' 'two.example bob' 'webmaster@two.example ann' | write /run/after
	printf '%s\n' 'webmaster@two.example ann' 'two.example bob' | write /run/before
	local order
	for order in before after; do
		inside virtmap -o map=/run/$order -o domains=/run/domains.$order build
		settings <<<"map = /run/$order"
		clean
		send exact ann@one.example webmaster@two.example
		send other ann@one.example someone@two.example
		is exact "$(headers ann Subject)" "$order"
		is other "$(headers bob Subject)" "$order"
	done
	settings </dev/null
}

@test "a .domain takes its subdomains; an exact entry beats it" {
	send parent ann@one.example any@b.a.deep.example
	send exact ann@one.example exact@a.deep.example
	nothing_but bob carol
	is parent "$(headers bob Subject)"
	is exact "$(headers carol Subject)"
}

@test "detail: its own entry, any detail, none; and as the argument of a catch-all" {
	send a ann@one.example sales+spring@one.example
	send b ann@one.example sales+autumn@one.example
	send c ann@one.example sales@one.example
	is a "$(headers bob Subject)"
	is b "$(headers carol Subject)"
	is c "$(headers ann Subject)"
	clean
	send d ann@one.example any+x@four.example
	send e ann@one.example any@four.example
	is d "$(headers carol Subject)"
	is e "$(headers dave Subject)"
	nothing_but carol dave
}

@test "case and a final dot make no difference" {
	send upper ann@one.example WebMaster@TWO.Example webmaster@two.example.
	is "$(printf 'upper')" "$(headers bob Subject | sort -u)"
	nothing_but bob
}

@test "recipients of one message are delivered each for itself" {
	send all ann@one.example webmaster@one.example webmaster@two.example x@two.example y@three.example
	nothing_but ann bob carol dave
	is x@two.example "$(header carol 1 Delivered-To)"
	is y@three.example "$(header dave 1 Delivered-To)"
}

@test "a recipient whose delivery waits does not hold up the others" {
	send both ann@one.example busy@five.example webmaster@two.example
	is both "$(headers bob Subject)"
	is 1 "$(queued)" queued
	run_queue
	is 1 "$(count bob)" "copies for bob"
	is 1 "$(queued)" "still queued"
}

@test "an address that leads to another address of the map" {
	send chain ann@one.example move@five.example
	nothing_but bob
	is move@five.example "$(header bob 1 Delivered-To)"
}

@test "unknown user: the sender is told 5.1.1, nobody else gets anything" {
	send lost ann@one.example nobody@one.example
	nothing_but ann
	is "<>" "$(header ann 1 Return-Path)" "sender of the notice"
	body ann 1 >"$BATS_TEST_TMPDIR/dsn"
	grep -qx 'Status: 5.1.1' "$BATS_TEST_TMPDIR/dsn"
	grep -qx 'Action: failed' "$BATS_TEST_TMPDIR/dsn"
	grep -qix 'Final-Recipient: RFC822; nobody@one.example' "$BATS_TEST_TMPDIR/dsn"
	grep -qx 'Subject: lost' "$BATS_TEST_TMPDIR/dsn"
}

@test "a target that is no account is a mistake in the map, not the sender's: it waits"  {
	send ghost ann@one.example ghost@five.example
	deferred
	logged 'dsn=4.3.5, stat=Deferred: .*nosuchaccount'
}

@test "an unknown user beside a known one: one copy, one notice" {
	send half ann@one.example nobody@one.example webmaster@two.example
	nothing_but ann bob
	is half "$(headers bob Subject)"
	is 1 "$(count ann)"
	body ann 1 | grep -qix 'Final-Recipient: RFC822; nobody@one.example'
	is 1 "$(body ann 1 | grep -ci 'Final-Recipient:')" "recipients in the notice"
}

@test "a bounce of a bounce goes nowhere near the map" {
	send null "" nobody@one.example
	is 0 "$(queued)" queued
	is "" "$(inside ls /var/mail | grep -v '^root$')" mailboxes
}

@test "error: refuses in the words of the map" {
	send refused ann@one.example gone@five.example
	nothing_but ann
	body ann 1 >"$BATS_TEST_TMPDIR/dsn"
	grep -q 'Bob has left the company' "$BATS_TEST_TMPDIR/dsn"
	grep -qx 'Status: 5\..*' "$BATS_TEST_TMPDIR/dsn"
}

@test "error:tempfail keeps the message in the queue" {
	send later ann@one.example busy@five.example
	deferred
	is "" "$(inside ls /var/mail)"
}

@test "discard: takes it and says nothing" {
	send void ann@one.example void@five.example
	is "" "$(inside ls -A /var/mail)"
	is 0 "$(queued)"
}

@test "the null sender: an empty Return-Path, a From_ line of MAILER-DAEMON" {
	send notice "" webmaster@two.example
	is "<>" "$(header bob 1 Return-Path)"
	is "From MAILER-DAEMON " "$(inside head -c 19 /var/mail/bob)"
}

@test "Return-Path and Delivered-To are ours and there once, whatever the message claims" {
	printf '%s\n' 'Return-Path: <forged@evil.example>' 'Delivered-To: carol@two.example' \
		'Return-path: <again@evil.example>' 'Subject: forged' '' 'x' |
		post ann@one.example webmaster@two.example
	is "<ann@one.example>" "$(header bob 1 Return-Path)"
	is "webmaster@two.example
carol@two.example" "$(header bob 1 Delivered-To)"
	is "From ann@one.example " "$(inside head -c 21 /var/mail/bob)"
}

@test "headers that an mbox reader would obey are left out" {
	printf '%s\n' 'Subject: odd' 'Content-Length: 3' 'Status: RO' 'X-Status: D' 'X-Keywords: a' 'X-UID: 7' \
		'X-IMAP: 1 2' 'X-IMAPbase: 1 2' '' 'a body of more than three bytes' |
		post ann@one.example webmaster@two.example
	is "a body of more than three bytes" "$(body bob 1)"
	local name
	for name in Content-Length Status X-Status X-Keywords X-UID X-IMAP X-IMAPbase; do
		is "" "$(header bob 1 $name)" $name
	done
}

@test "the mailbox belongs to the account and its group mail, where the directory is 2775" {
	send mode ann@one.example webmaster@two.example
	is "660 bob:mail" "$(inside stat -c '%a %U:%G' /var/mail/bob)"
	is "" "$(inside find /var/mail -name '*.lock')"
}

@test "the same with the directory at 3777" {
	inside chmod 3777 /var/mail
	send mode ann@one.example webmaster@two.example
	send more ann@one.example webmaster@two.example
	inside chmod 2775 /var/mail
	is 2 "$(count bob)"
	is bob "$(inside stat -c %U /var/mail/bob)"
	is "" "$(inside find /var/mail -name '*.lock')"
}

@test "a Maildir is made at the first delivery and belongs to the account" {
	settings <<<'mailbox = maildir:~/Maildir'
	send first ann@one.example webmaster@two.example
	send second ann@one.example webmaster@two.example
	settings </dev/null
	MAIL='maildir:/home/%u/Maildir'
	is 2 "$(count bob)"
	is "first
second" "$(headers bob Subject | sort)"
	is "" "$(inside find /home/bob/Maildir ! -user bob)"
	is "" "$(inside find /home/bob/Maildir/tmp -type f)"
	is 2 "$(inside find /home/bob/Maildir/new -type f -name '*,S=*' | wc -l)"
	is "" "$(inside ls -A /var/mail)"
}

@test "accounts in a passwd-file need no system users" {
	inside sh -c '
		mkdir -p /home/vmail && chown 30000:30000 /home/vmail
		printf "%s\n" \
			"info@one.example:x:30000:30000::/home/vmail/one.example/info::userdb_mail=maildir:~/Maildir" \
			"box:x:30000:30000::/home/vmail::userdb_mail=mbox:/home/vmail/box" >/etc/virtmda/accounts
		install -d -o 30000 -g 30000 /home/vmail/one.example/info
		echo "vmail:x:30000:30000::/home/vmail:/bin/sh" >>/etc/passwd'
	the_map | sed 's/^webmaster@two.example .*/webmaster@two.example box/' | map
	settings <<<'accounts = passwd-file:/etc/virtmda/accounts'
	send virtual ann@one.example info@one.example webmaster@two.example
	settings </dev/null
	the_map | map
	MAIL=maildir:/home/vmail/one.example/info/Maildir
	is info@one.example "$(header vmail 1 Delivered-To)"
	MAIL=mbox:/home/vmail/box
	is virtual "$(headers vmail Subject)"
	is "30000:30000" "$(inside stat -c %u:%g /home/vmail/box)"
}

@test "mail for this host itself stays with sendmail" {
	send local ann@one.example root root@mail.test.example
	logged 'to=<root>.*mailer=local.*stat=Sent'
	unlogged mailer=virtmda
}

@test "strangers may send to domains of the map, and relay nowhere else" {
	inside post.py -b 127.0.0.2 far@three.example webmaster@two.example <<<"$(letter in)"
	is in "$(headers bob Subject)"
	run inside post.py -b 127.0.0.2 far@three.example someone@elsewhere.example <<<"$(letter out)"
	is 1 "$status"
	[[ $output == *'550 5.7.1'* ]]
}

@test "one line in the log for each recipient: who, by which key, where, how" {
	send logged ann@one.example nobody@two.example
	local line id
	line=$(inside grep '^virtmda.*to=' /run/log)
	id=$(inside sed -n 's/^sendmail\[[0-9]*\]: \([^:]*\): from=.*/\1/p' /run/log)
	is 1 "$(wc -l <<<"$line")" "lines"
	[[ $line == *": $id: to=<nobody@two.example>, from=<ann@one.example>, match=@two.example, "* ]] || is "a line of $id" "$line"
	[[ $line == *'account=carol, mailbox='*'/var/mail/carol, size='*'dsn=2.0.0, stat=Delivered'* ]] || is "account and fate" "$line"
}
