#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmda -l: sendmail with the LMTP mailer, and clients of other kinds on pipes, Unix sockets and
# TCP. What is promised to the argument form holds here for each recipient by itself.

load helpers

the_map() {
	cat <<-'EOT'
		ann@one.example           ann
		bob@one.example           bob
		bob@two.example           bob
		two.example               carol
		gone@one.example          error:5.7.1:550 Bob has left the company
		busy@one.example          error:4.2.1:450 come back later
		hang@one.example          error:4.2.1:421 closed until Monday
		void@one.example          discard:
		broken@one.example        broken
		full@one.example          full
	EOT
	for n in $(seq 50); do echo "user@d$n.example a$n"; done
}

# Fifty accounts with uids of their own, one whose home is not there, one that is full.
the_accounts() {
	inside sh -c '
		for n in $(seq 50); do
			echo "a$n:x:$((30000 + n)):$((30000 + n))::/home/a/a$n::userdb_mail=maildir:~/Maildir"
		done
		echo "broken:x:30100:30100::/home/none::userdb_mail=maildir:~/Maildir"
		echo "full:x:30101:30101::/home/full::userdb_mail=maildir:~/Maildir userdb_quota_rule=*:bytes=10"
		for name in ann:20001 bob:20002 carol:20003; do
			echo "${name%:*}:x:${name#*:}:${name#*:}::/home/${name%:*}::"
		done' | write /etc/virtmda/accounts
}

# fifty: their homes, empty.
fifty() {
	inside sh -c '
		for n in $(seq 50); do
			install -d -m 700 -o $((30000 + n)) -g $((30000 + n)) /home/a/a$n
		done
		install -d -m 700 -o 30101 -g 30101 /home/full'
}

# in_maildir: how many messages in how many of the fifty Maildirs.
in_maildirs() {
	inside sh -c 'find /home/a -path "*/new/*" | wc -l; find /home/a -path "*/new/*" | cut -d / -f 4 | sort -u | wc -l' | xargs
}

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	# What sendmail says to its LMTP mailer is kept in /run/lmtp.
	write /usr/local/sbin/lmtp-tee <<-'EOT'
		#!/bin/sh
		tee -a /run/lmtp | virtmda -l
	EOT
	inside chmod 755 /usr/local/sbin/lmtp-tee
	inside sed -i -e "s|^MAILER(.virtmda.)dnl|define(\`VIRTMDA_MAILER_LMTP', \`')dnl\\n&|" /etc/mail/test.mc
	inside sh -c 'm4 /etc/mail/test.mc >/etc/mail/lmtp.cf
		sed "s|P=/usr/local/sbin/virtmda|P=/usr/local/sbin/lmtp-tee|" /etc/mail/lmtp.cf >/etc/mail/tee.cf
		cp /etc/mail/lmtp.cf /etc/mail/sendmail.cf'
	the_accounts
	settings <<-'EOT'
		accounts = passwd-file:/etc/virtmda/accounts
		lmtp_message_size = 200000000
	EOT
	the_map | map
}

teardown_file() { machine_down; }

setup() {
	clean
	inside sh -c ': >/run/lmtp; chmod 666 /run/lmtp; rm -rf /home/a /run/in /run/out /run/status /run/lmtp.sock /run/virtmda.sock
		cmp -s /etc/mail/lmtp.cf /etc/mail/sendmail.cf || echo changed' >"$BATS_TEST_TMPDIR/cf"
	[ ! -s "$BATS_TEST_TMPDIR/cf" ] || use_cf lmtp
}

use_cf() {
	inside cp "/etc/mail/$1.cf" /etc/mail/sendmail.cf
	sendmail_restart
}

# lmtp [ARGUMENT...] <LINES: a session on pipes, its replies; greeting and LHLO left out.
lmtp() {
	{
		echo LHLO me
		cat
	} | inside lmtp.py talk virtmda "$@" -l | sed 1,7d
}

# ---- sendmail --------------------------------------------------------------------------------------

@test "sendmail delivers by LMTP, to the right people" {
	send first ann@one.example ann@one.example bob@two.example anybody@two.example
	nothing_but ann bob carol
	is "This is first." "$(body ann 1)"
	is "<ann@one.example>" "$(header ann 1 Return-Path)"
	is "anybody@two.example" "$(header carol 1 Delivered-To)"
	logged 'to=<anybody@two.example>, from=<ann@one.example>, match=@two.example, account=carol.*stat=Delivered'
}

@test "bytes arrive as they were sent: dots, long lines, 8 bits, From lines" {
	local message
	message=$(printf 'Subject: x\n\n.\n..\n.x\nFrom here\n\303\266\377\n%s\n' "$(head -c 1500 /dev/zero | tr '\0' y)")
	printf '%s\n' "$message" | post a@b ann@one.example
	printf '%s\n' "$message" | post a@b ann@one.example
	is "$(printf '%s' "$message" | sed 1,2d | sed 's/^From/>From/' | md5sum)" \
		"$(inside sh -c 'sed "1,/^$/d;/^From a@b/,\$d" /var/mail/ann | sed "\$d"' | head -c -1 | md5sum)"
}

@test "a large message" {
	{
		printf 'Subject: large\n\n'
		inside sh -c 'yes "A line of text, sixty bytes or so, and many more of the same kind" | head -c 30000000'
	} | post a@b ann@one.example bob@one.example
	inside grep -q '^Subject: large' /var/mail/bob
	[ "$(inside stat -c %s /var/mail/ann)" -gt 30000000 ]
	is 0 "$(queued)"
	inside sh -c '! ls -A /var/tmp | grep .' || is "" "files in /var/tmp"
}

# 421 would end the session, and hold up everybody who comes in the same one.
@test "a target whose own reply is 421 holds up nobody else" {
	send closed ann@one.example hang@one.example bob@one.example ann@one.example
	is closed "$(headers bob Subject)"
	is closed "$(headers ann Subject)"
	is 1 "$(inside sh -c 'cat /var/spool/mqueue/qf* | grep -c ^RPFD')" "recipients still queued"
	logged 'to=<hang@one.example>.*dsn=4.2.1.*closed until Monday'
}

@test "a bounce has no sender" {
	send lost ann@one.example gone@one.example
	is "<>" "$(header ann 1 Return-Path)"
	body ann 1 | grep -q 'Bob has left the company'
	body ann 1 | grep -q 'Status: 5.7.1' || body ann 1 | grep -q '5.7.1'
}

@test "each recipient has a fate of its own" {
	send mixed ann@one.example bob@one.example nobody@one.example busy@one.example void@one.example broken@one.example
	is mixed "$(headers bob Subject)"
	is 1 "$(queued)"
	logged 'to=<nobody@one.example>.*dsn=5.1.1'
	logged 'to=<void@one.example>.*stat=Discarded'
	is 2 "$(inside sh -c 'cat /var/spool/mqueue/qf* | grep -c ^RPFD')" "recipients still queued"
	run_queue
	is 1 "$(count bob)"
	is 1 "$(count ann)" "bounces"
}

@test "fifty recipients in fifty domains are one transaction" {
	use_cf tee
	fifty
	# shellcheck disable=SC2046
	send many ann@one.example $(seq -f 'user@d%g.example' 50)
	is "50 50" "$(in_maildirs)" "messages, Maildirs"
	is 0 "$(queued)"
	is 1 "$(inside grep -ci '^MAIL FROM' /run/lmtp)" "transactions"
	is 1 "$(inside grep -c '^DATA' /run/lmtp)"
	is 50 "$(inside grep -ci '^RCPT TO' /run/lmtp)"
}

@test "one of fifty fails: 49 have it, one waits, none gets two" {
	use_cf tee
	fifty
	inside chmod 0 /home/a/a17
	inside chown 0 /home/a/a17
	# shellcheck disable=SC2046
	send many ann@one.example $(seq -f 'user@d%g.example' 50)
	is "49 49" "$(in_maildirs)" "messages, Maildirs"
	is 1 "$(queued)"
	inside sh -c 'cat /var/spool/mqueue/qf*' | grep ^R >"$BATS_TEST_TMPDIR/waiting"
	is 1 "$(grep -c . "$BATS_TEST_TMPDIR/waiting")" "recipients in the queue"
	grep -q 'user@d17.example' "$BATS_TEST_TMPDIR/waiting"
	run_queue
	is "49 49" "$(in_maildirs)" "messages, Maildirs after a queue run in vain"
	fifty
	run_queue
	is "50 50" "$(in_maildirs)" "messages, Maildirs after the repair"
	is 0 "$(queued)"
}

@test "settings, map or accounts that are broken: the mail waits" {
	inside mv /etc/virtmda/virtmaps.gdbm /run/map
	send waiting ann@one.example bob@one.example
	deferred
	inside mv /run/map /etc/virtmda/virtmaps.gdbm
	inside mv /etc/virtmda/accounts /run/accounts
	run_queue
	deferred
	inside mv /run/accounts /etc/virtmda/accounts
	inside cp /etc/virtmda/virtmda.conf /run/conf
	inside sh -c 'echo colour = red >>/etc/virtmda/virtmda.conf'
	run_queue
	deferred
	logged '4.3.5.*colour'
	inside cp /run/conf /etc/virtmda/virtmda.conf
	run_queue
	is waiting "$(headers bob Subject)"
	is 0 "$(queued)"
}

@test "strange addresses are people of the map too" {
	local IFS=$'\n' address
	{
		the_map
		printf '%s\n' '-oops@one.example ann' '../../etc/x@one.example ann'
		printf '"%s"@one.example ann\n' 'o\"neill' 'a b' '|/bin/sh' 'x,y'
	} | map
	for address in '-oops' '../../etc/x' '"a b"' '"o\"neill"' '"|/bin/sh"' '"x,y"'; do
		letter "$address" | post a@b "$address@one.example"
	done
	is 6 "$(count ann)" "messages"
	is 0 "$(queued)"
	the_map | map
}

# ---- other clients ---------------------------------------------------------------------------------

@test "Python's smtplib over a Unix socket and over TCP" {
	local where
	for where in /run/lmtp.sock 2424; do
		clean
		inside lmtp.py accept "$where" 2 virtmda -l >"$BATS_TEST_TMPDIR/statuses" 3>&- &
		letter hello | inside lmtp.py send "$where" ann@one.example bob@one.example nobody@one.example \
			gone@one.example carol@two.example >"$BATS_TEST_TMPDIR/replies"
		letter second | inside lmtp.py send "$where" '' bob@one.example
		wait $!
		is "0 0" "$(cat "$BATS_TEST_TMPDIR/statuses")"
		is "bob@one.example 250 " "$(sed -n 1p "$BATS_TEST_TMPDIR/replies")"
		grep -q '^nobody@one.example 550 5.1.1 ' "$BATS_TEST_TMPDIR/replies"
		grep -q '^gone@one.example 550 5.7.1 Bob has left the company' "$BATS_TEST_TMPDIR/replies"
		nothing_but bob carol
		is 2 "$(count bob)"
		is "<>" "$(header bob 2 Return-Path)"
		inside rm -f /run/lmtp.sock
	done
}

@test "inetd's connection is the front's alone" {
	is 1 "$(inside lmtp.py holders virtmda -l)" "processes that have it open, and their files"
}

@test "a connection that systemd hands over, as the sample units have it, on a Unix socket and on TCP" {
	command -v systemd-socket-activate >/dev/null || skip "needs systemd-socket-activate"
	local server where
	is "ExecStart=/usr/local/sbin/virtmda -l" "$(grep ^ExecStart= "$MACHINE_ROOT/samples/virtmda-lmtp@.service")"
	for where in /run/virtmda.sock 127.0.0.1:2425; do
		inside systemd-socket-activate --accept --inetd -l "$where" virtmda -l >/dev/null 2>&1 3>&- &
		server=$!
		letter hello | inside lmtp.py send "${where#127.0.0.1:}" ann@one.example bob@one.example
		letter hello | inside lmtp.py send "${where#127.0.0.1:}" ann@one.example bob@one.example
		inside sh -c 'kill $(pgrep -f "^systemd-socket-activate")'
		wait "$server" || true
		is "" "$(inside pgrep -x virtmda)"
	done
	is 4 "$(headers bob Subject | grep -c hello)"
}

@test "replies at RCPT, and one for each accepted recipient behind the dot" {
	fifty
	inside sh -c 'install -d -o 30101 -g 30101 /home/full/Maildir /home/full/Maildir/cur /home/full/Maildir/new /home/full/Maildir/tmp
		echo more than ten bytes >/home/full/Maildir/cur/1.x,S=20:2, && chown -R 30101 /home/full'
	lmtp >"$BATS_TEST_TMPDIR/replies" <<-'EOT'
		MAIL FROM:<a@b>
		RCPT TO:<bob@one.example>
		RCPT TO:<nobody@one.example>
		RCPT TO:<gone@one.example>
		RCPT TO:<busy@one.example>
		RCPT TO:<full@one.example>
		RCPT TO:<broken@one.example>
		RCPT TO:<void@one.example>
		RCPT TO:<user@nowhere.example>
		DATA
		Subject: x

		.
		QUIT
	EOT
	diff - "$BATS_TEST_TMPDIR/replies" <<-'EOT'
		250 2.1.0 sender ok
		250 2.1.5 recipient ok
		550 5.1.1 no such user: nobody@one.example
		550 5.7.1 Bob has left the company
		450 4.2.1 come back later
		452 4.2.2 the mailbox is full
		250 2.1.5 recipient ok
		250 2.1.5 recipient ok
		451 4.3.5 user@nowhere.example: domain nowhere.example is neither in the map nor in local_domains
		354 end with CRLF.CRLF
		250 2.0.0 delivered
		451 4.3.0 maildir: mkdir /home/none/Maildir: No such file or directory
		250 2.0.0 discarded
		221 2.0.0 bye
		status 0
	EOT
	# Who was refused at RCPT is in the log, too.
	logged 'to=<nobody@one.example>, from=<a@b>.*dsn=5.1.1, stat=User unknown'
	logged 'to=<gone@one.example>, from=<a@b>, match=gone@one.example.*dsn=5.7.1, stat=Service unavailable'
	logged 'to=<full@one.example>, from=<a@b>.*dsn=4.2.2, stat=Deferred: the mailbox is full'
}

@test "over quota: at RCPT where that can be told, else behind the dot; for now or for good" {
	local policy want
	for policy in "defer 452 4.2.2" "reject 552 5.2.2"; do
		fifty
		want=${policy#* }
		lmtp -o "over_quota=${policy%% *}" >"$BATS_TEST_TMPDIR/replies" <<-'EOT'
			MAIL FROM:<a@b> SIZE=1000
			RCPT TO:<full@one.example>
			RSET
			MAIL FROM:<a@b>
			RCPT TO:<full@one.example>
			RCPT TO:<bob@one.example>
			DATA
			Subject: x

			.
			QUIT
		EOT
		diff - <(sed 1d "$BATS_TEST_TMPDIR/replies") <<-EOT
			$want the message is too large for the mailbox
			250 2.0.0 ok
			250 2.1.0 sender ok
			250 2.1.5 recipient ok
			250 2.1.5 recipient ok
			354 end with CRLF.CRLF
			$want the message is too large for the mailbox
			250 2.0.0 delivered
			221 2.0.0 bye
			status 0
		EOT
		is "" "$(inside find /home/full -type f ! -name maildirsize)" "files of the mailbox that is full"
		inside rm -rf /home/full/Maildir
	done
	is 2 "$(count bob)"
}

@test "two recipients in one mailbox share a copy, which names both" {
	lmtp >/dev/null <<-'EOT'
		MAIL FROM:<a@b>
		RCPT TO:<bob@one.example>
		RCPT TO:<bob@two.example>
		DATA
		Subject: x

		.
	EOT
	is 1 "$(count bob)"
	is "bob@one.example bob@two.example" "$(inside sh -c 'sed -n "s/^Delivered-To: //p" /var/mail/bob' | xargs)"
}

@test "accounts of one uid: without Delivered-To one file with fifty names, else fifty files" {
	local form want
	inside sh -c 'for n in $(seq 50); do
			echo "h$n:x:30200:30200::/home/hosted/h$n::userdb_mail=maildir:~/Maildir"
		done' | write /run/hosted
	for form in lmtp arguments; do
		for want in "50 yes" "1 no"; do
			inside sh -c 'rm -rf /home/hosted && install -d -m 755 /home/hosted
				for n in $(seq 50); do install -d -m 700 -o 30200 -g 30200 /home/hosted/h$n; done'
			set -- -o accounts=passwd-file:/run/hosted -o "delivered_to=${want#* }"
			if [ $form = lmtp ]; then
				{
					echo "MAIL FROM:<a@b>"
					seq -f 'RCPT TO:<h%g>' 50
					printf 'DATA\nSubject: x\n\nhello\n.\n'
				} | lmtp "$@" >"$BATS_TEST_TMPDIR/replies"
				is 50 "$(grep -c '^250 2.0.0 delivered' "$BATS_TEST_TMPDIR/replies")"
			else
				# shellcheck disable=SC2046
				letter x | inside virtmda "$@" -f a@b -d $(seq -f 'h%g' 50)
			fi
			is 50 "$(inside sh -c 'find /home/hosted -path "*/new/*" | wc -l')" "names"
			is "${want% *}" "$(inside sh -c 'find /home/hosted -path "*/new/*" -printf "%i\n" | sort -u | wc -l')" "files"
			is 0 "$(inside sh -c 'find /home/hosted -path "*/tmp/*" | wc -l')"
		done
	done
	inside rm -rf /home/hosted
}

@test "a full disk is one recipient's" {
	fifty
	inside sh -c 'mount -t tmpfs -o size=4k,uid=30005,gid=30005,mode=0700 none /home/a/a5 && head -c 4096 /dev/zero >/home/a/a5/full || :'
	{
		echo "MAIL FROM:<a@b>"
		seq -f 'RCPT TO:<user@d%g.example>' 10
		printf 'DATA\nSubject: x\n\nhello\n.\n'
	} | lmtp -o workers=3 >"$BATS_TEST_TMPDIR/replies"
	inside umount /home/a/a5
	is 9 "$(grep -c '^250 2.0.0 delivered' "$BATS_TEST_TMPDIR/replies")"
	is 1 "$(grep -c '^452 4.3.1 .*No space left' "$BATS_TEST_TMPDIR/replies")"
	is "452" "$(sed -n '17p' "$BATS_TEST_TMPDIR/replies" | cut -c 1-3)" "the fifth reply behind 354"
	is "9 9" "$(in_maildirs)" "messages, Maildirs"
}

@test "a map published in the middle of a session counts from then on" {
	inside mkfifo /run/in
	inside sh -c 'virtmda -l </run/in >/run/out' 3>&- &
	inside sh -c 'exec >/run/in
		printf "LHLO me\r\nVRFY new@one.example\r\n"
		while ! grep -q ^55 /run/out; do sleep 0.05; done
		virtmap add new@one.example bob >&2
		printf "VRFY new@one.example\r\nQUIT\r\n"' >/dev/null
	wait $!
	is "550 5.1.1 no such user: new@one.example
250 2.1.5 recipient ok
221 2.0.0 bye" "$(inside tail -n 3 /run/out | tr -d '\r')"
	the_map | map
}

# message SUBJECT BYTES: one transaction, dialogue as `lmtp` takes it.
message() {
	printf 'MAIL FROM:<a@b>\nRCPT TO:<bob@one.example>\nDATA\nSubject: %s\n\n' "$1"
	head -c "$2" /dev/zero | tr '\0' x | fold -w 500
	printf '\n.\n'
}

@test "in one session: large, small, large; and where there is no file for a large one, small ones all the same" {
	{
		message first 1500000
		message second 10
		message third 2000000
		message fourth 10
		echo QUIT
	} | lmtp >"$BATS_TEST_TMPDIR/replies"
	is 4 "$(grep -c '^250 2.0.0 delivered' "$BATS_TEST_TMPDIR/replies")"
	is "first second third fourth" "$(headers bob Subject | paste -sd ' ')"
	is "status 0" "$(tail -n 1 "$BATS_TEST_TMPDIR/replies")"
	inside rm /var/mail/bob
	{
		message first 1500000
		message second 10
		message third 2000000
		message fourth 10
		echo QUIT
	} | lmtp -o spool_directory=/run/nowhere >"$BATS_TEST_TMPDIR/replies"
	is "451 250 451 250" "$(sed -n '/^354/{n;s/^\(...\).*/\1/p}' "$BATS_TEST_TMPDIR/replies" | paste -sd ' ')"
	grep -q '^451 4.3.0 .*/run/nowhere' "$BATS_TEST_TMPDIR/replies"
	is "second fourth" "$(headers bob Subject | paste -sd ' ')"
	is "221 2.0.0 bye" "$(tail -n 2 "$BATS_TEST_TMPDIR/replies" | head -n 1)"
}

# ---- limits ----------------------------------------------------------------------------------------

@test "too many recipients, too large a message, too long a line, too many mistakes" {
	local long
	long=$(head -c 5000 /dev/zero | tr '\0' x)
	lmtp -o lmtp_recipients=1 -o lmtp_message_size=40 >"$BATS_TEST_TMPDIR/replies" <<-EOT
		NOOP $long
		MAIL FROM:<a@b> SIZE=41
		MAIL FROM:<a@b>
		RCPT TO:<bob@one.example>
		RCPT TO:<ann@one.example>
		DATA
		more than forty bytes, if one counts them, or less
		.
		$(yes what | head -n 25)
	EOT
	grep -q '^500 5.5.2 line too long' "$BATS_TEST_TMPDIR/replies"
	is 2 "$(grep -c '^552 5.3.4' "$BATS_TEST_TMPDIR/replies")"
	grep -q '^452 4.5.3' "$BATS_TEST_TMPDIR/replies"
	is "421 4.7.0 too many errors" "$(grep ^421 "$BATS_TEST_TMPDIR/replies")"
	is "" "$(inside ls /var/mail)"
}

@test "a silent client is shown the door, in the middle of a message too" {
	inside sh -c 'mkfifo /run/in && exec 9<>/run/in
		printf "LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<bob@one.example>\r\nDATA\r\nhalf\r\n" >&9
		virtmda -o lmtp_timeout=1 -l <&9' >"$BATS_TEST_TMPDIR/replies"
	is "421 4.4.2 idle too long" "$(tail -n 1 "$BATS_TEST_TMPDIR/replies" | tr -d '\r')"
	is "" "$(inside ls /var/mail)"
}

@test "when the process that delivers is killed, its front goes with it" {
	inside mkfifo /run/in
	inside sh -c 'virtmda -l </run/in >/run/out; echo $? >/run/status' 3>&- &
	inside sh -c 'exec 9>/run/in; while ! grep -q ^220 /run/out; do sleep 0.05; done
		kill -9 $(pgrep -o -x virtmda); while ! [ -s /run/status ] || pgrep -x virtmda >/dev/null; do sleep 0.05; done'
	wait $!
	is 137 "$(inside cat /run/status)"
}

@test "a client that reads late gets every reply, one that never reads is left" {
	local how
	for how in pipe socket; do
		is "replies 300001 status 0" "$(inside lmtp.py deaf "$how" 300000 virtmda -l)"
		is "status 0" "$(inside lmtp.py deaf "$how" for-ever virtmda -o lmtp_timeout=1 -l)"
		is "" "$(inside pgrep -x virtmda)"
	done
}

@test "a signal ends an idle session with a word" {
	inside mkfifo /run/in
	inside sh -c 'virtmda -l </run/in >/run/out; echo $? >/run/status' 3>&- &
	inside sh -c 'exec 9>/run/in; while ! grep -q ^220 /run/out; do sleep 0.05; done
		kill $(pgrep -o -x virtmda); while ! [ -s /run/status ]; do sleep 0.05; done'
	wait $!
	is 75 "$(inside cat /run/status)"
	is "421 4.3.2 shutting down" "$(inside tail -n 1 /run/out | tr -d '\r')"
	is "" "$(inside pgrep -x virtmda)"
}

@test "every prefix of a session, byte by byte, and the client is gone" {
	local how
	for how in pipe socket; do
		inside lmtp.py prefixes /home/ann/Maildir "$how" virtmda -o 'mailbox=maildir:~/Maildir' -l
		is "" "$(inside pgrep -x virtmda)"
	done
}

@test "a long session has no more processes and descriptors than a short one" {
	fifty
	inside sh -c 'echo more than ten bytes >/home/full/mbox'
	# MAIL, six recipients, DATA, three replies; MAIL, RCPT, RSET, VRFY; MAIL, two, DATA, two replies; MAIL, LHLO, VRFY
	is "250 250 550 250 452 250 550 354 250 250 451 250 250 250 250 250 250 250 354 250 250 250 250 250" \
		"$(inside lmtp.py wear 5 virtmda -l)"
	is "" "$(inside pgrep -x virtmda)"
	is "" "$(inside ls -A /var/tmp)"
	is 5 "$(count bob)"
}

@test "as an ordinary user, for the own mailbox" {
	inside setpriv --reuid=20001 --regid=20001 --clear-groups sh -c '
		printf "map = /home/ann/map\ndomains = /home/ann/domains\naccounts = passwd-file:/home/ann/accounts\naliases = none\nmailbox = maildir:~/Maildir\nlog = /home/ann/log\n" >/home/ann/conf
		echo "ann@one.example ann" >/home/ann/map
		echo "bob@one.example bob" >>/home/ann/map
		printf "ann:x:20001:20001::/home/ann::\nbob:x:20002:20002::/home/bob::\n" >/home/ann/accounts
		virtmap -C /home/ann/conf build >/dev/null
		cd /home/ann && lmtp.py prefixes /home/ann/Maildir socket virtmda -C /home/ann/conf -l
		printf "LHLO me\nMAIL FROM:<>\nRCPT TO:<ann@one.example>\nRCPT TO:<bob@one.example>\nDATA\n\nx\n.\n" |
			lmtp.py talk virtmda -C /home/ann/conf -l' >"$BATS_TEST_TMPDIR/replies"
	grep -q '^250 2.0.0 delivered' "$BATS_TEST_TMPDIR/replies"
	grep -q '^451 4.3.0 become bob: only root can become another uid' "$BATS_TEST_TMPDIR/replies"
	is 1 "$(inside sh -c 'ls /home/ann/Maildir/new | wc -l')"
}
