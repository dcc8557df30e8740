#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Folders and quotas, with Dovecot on the same Maildirs: it sees what virtmda delivered and what it
# says is used, and virtmda sees what Dovecot has added and expunged.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	map <<-'END'
		bob+*@one.example bob%3
		carol@one.example carol
		two.example bob%3
	END
}

teardown_file() { machine_down; }

setup() {
	clean
	settings <<-'END'
		accounts = passwd-file:/etc/virtmda/accounts
		mailbox = maildir:~/Maildir
		detail_folders = create
		quota_warning = 0
	END
	accounts '*:bytes=100000:messages=10'
}

# accounts RULE: what bob may have, for both programs.
accounts() {
	write /etc/virtmda/accounts <<-END
		bob:x:20002:20002::/home/bob::userdb_quota_rule=$1
		carol:x:20003:20003::/home/carol::userdb_mail=mbox:~/mbox userdb_quota_rule=$1
	END
	write /etc/dovecot-test.conf <<-END
		mail_location = maildir:~/Maildir
		mail_plugins = quota
		plugin {
		  quota = maildir:Used
		  quota_rule = $1
		}
		log_path = /dev/stderr
		first_valid_uid = 1
		ssl = no
		base_dir = /run/dovecot-test
	END
}

needs_dovecot() { inside test -e /usr/lib/dovecot/modules/lib10_quota_plugin.so || skip "needs Dovecot"; }
as_bob() { inside setpriv --reuid=20002 --regid=20002 --clear-groups env HOME=/home/bob USER=bob "$@"; }
doveadm() { as_bob doveadm -c /etc/dovecot-test.conf "$@"; }

# used: "BYTES MESSAGES" by maildirsize; there: the same by looking at every file.
used() { inside awk 'NR > 1 { bytes += $1; messages += $2 } END { print bytes + 0, messages + 0 }' /home/bob/Maildir/maildirsize; }
there() { inside find /home/bob/Maildir '(' -path '*/new/*' -o -path '*/cur/*' ')' -type f -printf '%s\n' | awk '{ bytes += $1; messages++ } END { print bytes + 0, messages + 0 }'; }
# Dovecot's: kilobytes, rounded up, and messages.
dovecots() { doveadm -f tab quota get | awk -F '\t' '$2 == "STORAGE" { bytes = $3 } $2 == "MESSAGE" { messages = $3 } END { print bytes, messages }'; }
in_kilobytes() { awk '{ print int(($1 + 1023) / 1024), $2 }'; }

agree() {
	is "$(there)" "$(used)" "maildirsize against the files"
	is "$(there | in_kilobytes)" "$(dovecots)" "Dovecot against the files"
}

@test "Dovecot sees every folder that a detail made, under its name, and the message in it" {
	needs_dovecot
	send one ann@one.example bob+lists.work@one.example
	send two ann@one.example bob+lists@one.example bob+a\&b@one.example
	send three ann@one.example bob@two.example
	is "$(printf '%s\n' 'INBOX messages=1' 'a&b messages=1' 'lists messages=1' 'lists.work messages=1')" \
		"$(doveadm mailbox status messages '*' | LC_ALL=C sort)"
	is one "$(doveadm fetch hdr.subject mailbox lists.work | sed -n 's/.*ubject: //p')"
	logged 'account=bob, mailbox=maildir:/home/bob/Maildir, folder=.lists.work, '
	is 0 "$(queued)"
}

@test "details of all kinds: Dovecot lists each folder under that name, the rest is in the inbox, nothing elsewhere" {
	needs_dovecot
	accounts '*:bytes=0'
	run inside env PYTHONIOENCODING=utf-8 folders.py ${SEED:+"$SEED"}
	is 0 "$status" "$output"
	echo "# $output" >&3
}

@test "a detail that would lead out of the Maildir, through sendmail" {
	for local in 'bob+../../escape' 'bob+..' 'bob+/etc/cron.d/x' 'bob+.ssh' 'bob+a/b'; do
		send x ann@one.example "$local@two.example"
	done
	is 0 "$(queued)"
	is Maildir "$(inside ls -A /home/bob)"
	is "$(printf '%s\n' cur maildirsize new tmp)" "$(inside ls -A /home/bob/Maildir)" "what is in the Maildir"
	is 5 "$(inside ls /home/bob/Maildir/new | wc -l)"
}

@test "detail_folders = existing takes the folder that is there, whatever its case, and makes none" {
	needs_dovecot
	inside sed -i 's/create/existing/' /etc/virtmda/virtmda.conf
	doveadm mailbox create Lists.Work
	send one ann@one.example bob+lists.work@one.example
	send two ann@one.example bob+other@one.example
	is 1 "$(inside ls /home/bob/Maildir/.Lists.Work/new | wc -l)"
	is 1 "$(inside ls /home/bob/Maildir/new | wc -l)"
	inside test ! -e /home/bob/Maildir/.other
	logged 'repair=no folder .other: to the inbox'
}

@test "two recipients in one folder share a copy, in two they do not" {
	letter x | inside virtmda -f '' -d bob+a@one.example bob+A@one.example bob+b@one.example bob+a@two.example
	is 2 "$(inside ls /home/bob/Maildir/.a/new | wc -l)"
	is 1 "$(inside ls /home/bob/Maildir/.b/new | wc -l)"
	is 2 "$(inside sh -c 'grep -l "Delivered-To: bob+a@one.example" /home/bob/Maildir/.a/new/* | xargs grep -c ^Delivered-To')"
}

@test "Dovecot sees what we say is used, and we what it added, moved and expunged" {
	needs_dovecot
	send one ann@one.example bob+lists@one.example bob@two.example
	agree
	is "1 2" "$(dovecots)"
	letter two | doveadm save -m INBOX
	agree
	send three ann@one.example bob@two.example
	agree
	doveadm mailbox create Trash
	doveadm move Trash mailbox lists all
	agree
	doveadm expunge mailbox INBOX subject two
	agree
	send four ann@one.example bob+lists@one.example
	agree
	is 4 "$(used | cut -d ' ' -f 2)"
	# Neither has counted anew: the history is in the file.
	[ "$(inside sed -n '$=' /home/bob/Maildir/maildirsize)" -gt 5 ] || is "more lines" "$(inside cat /home/bob/Maildir/maildirsize)"
	doveadm quota recalc
	agree
}

@test "a count of ours and one of Dovecot's are the same file" {
	needs_dovecot
	send one ann@one.example bob+lists@one.example bob@two.example
	doveadm quota recalc
	doveadm quota get >/dev/null
	local theirs ours
	theirs=$(inside cat /home/bob/Maildir/maildirsize)
	inside rm /home/bob/Maildir/maildirsize
	send -n ann@one.example bob@two.example
	ours=$(inside head -n 2 /home/bob/Maildir/maildirsize)
	is "$theirs" "$ours"
}

@test "full: the mail waits, is not read, and arrives when Dovecot has made room" {
	needs_dovecot
	accounts '*:messages=2'
	send one ann@one.example bob@two.example
	letter two | doveadm save -m INBOX
	send three ann@one.example bob+lists@one.example
	deferred
	logged 'dsn=4.2.2, stat=Deferred: the mailbox is full'
	is 2 "$(there | cut -d ' ' -f 2)"
	# -n says the same, and writes nothing.
	inside rm /home/bob/Maildir/maildirsize
	run inside virtmda -n -f '' -d bob@two.example
	is 75 "$status"
	[[ $output == *'4.2.2 the mailbox is full' ]] || is "a reason" "$output"
	inside test ! -e /home/bob/Maildir/maildirsize
	doveadm expunge mailbox INBOX subject two
	run_queue
	is 0 "$(queued)"
	is 1 "$(inside ls /home/bob/Maildir/.lists/new | wc -l)"
	agree
}

@test "full, but maildirsize is wrong: nobody is turned away" {
	accounts '*:messages=2'
	send one ann@one.example bob@two.example
	inside sh -c 'printf "2C\n500 5\n10 1\n" >/home/bob/Maildir/maildirsize'
	send two ann@one.example bob@two.example
	is 0 "$(queued)"
	is "$(there)" "$(used)"
}

@test "over_quota = reject: the sender is told at once" {
	accounts '*:bytes=600'
	inside sh -c 'echo over_quota = reject >>/etc/virtmda/virtmda.conf'
	send one ann@one.example bob@two.example
	send two ann@one.example bob@two.example
	send three ann@one.example bob@two.example
	is 0 "$(queued)"
	logged 'dsn=5.2.2, stat=Service unavailable: the mailbox is full'
	run inside sh -c 'head -c 500 /dev/zero | virtmda -f "" -d bob@two.example'
	is 69 "$status"
	is '5.2.2 the mailbox is full' "$output"
}

# talk <LINES: what virtmda says to them from RCPT on.
talk() { sed 's/$/\r/' | inside virtmda -l | sed '1,/^250 2.1.0/d' | tr -d '\r'; }

# SIZE= counts two bytes for each line end, of which the mailbox keeps one.
@test "by LMTP: what fits is not refused for the size that was announced, what does not is in the end" {
	accounts '*:bytes=1000'
	{
		printf 'LHLO x\nMAIL FROM:<> SIZE=1200\nRCPT TO:<bob@two.example>\nDATA\nSubject: x\n\n'
		seq 300 | cut -c 1
		printf '.\nMAIL FROM:<> SIZE=1200\nRCPT TO:<bob@two.example>\nMAIL FROM:<> SIZE=10\nRSET\n'
		printf 'MAIL FROM:<> SIZE=600\nRCPT TO:<bob@two.example>\nDATA\n\n'
		head -c 590 /dev/zero | tr '\0' x
		printf '\n.\n'
	} | talk >"$BATS_TEST_TMPDIR/replies"
	is "250 354 250 250 452 503 250 250 250 354 452" "$(cut -c 1-3 "$BATS_TEST_TMPDIR/replies" | xargs)"
	is 1 "$(there | cut -d ' ' -f 2)"
	is "$(there)" "$(used)"
}

@test "by LMTP: VRFY asks for no message's room" {
	accounts '*:bytes=1000'
	is "250 250" "$(printf 'LHLO x\nMAIL FROM:<> SIZE=9000\nVRFY bob@two.example\nRSET\n' | talk | cut -c 1-3 | xargs)"
}

@test "an mbox is as large as its file" {
	accounts '*:bytes=1200:messages=1'
	MAIL=mbox:/home/carol/mbox
	send one ann@one.example carol@one.example
	send two ann@one.example carol@one.example
	is 0 "$(queued)"
	{ letter three; head -c 1200 /dev/zero | tr '\0' x; } | post ann@one.example carol@one.example
	deferred
	is 2 "$(count carol)"
	inside sh -c ': >/home/carol/mbox'
	run_queue
	# Larger than the quota by itself: it waits on.
	deferred
	accounts '*:bytes=5000'
	run_queue
	is 1 "$(count carol)"
}

@test "one warning a day, in the inbox, which Dovecot counts like any other" {
	needs_dovecot
	inside sed -i 's/quota_warning = 0/quota_warning = 30/' /etc/virtmda/virtmda.conf
	for subject in one two three four; do
		send "$subject" ann@one.example bob+lists@one.example
	done
	is 4 "$(inside ls /home/bob/Maildir/.lists/new | wc -l)"
	is 1 "$(inside ls /home/bob/Maildir/new | wc -l)"
	is "Your mailbox is 30% full" "$(doveadm fetch hdr.subject mailbox INBOX | sed -n 's/.*ubject: //p')"
	is auto-generated "$(doveadm fetch hdr.auto-submitted mailbox INBOX | sed -n 's/.*ubmitted: //p')"
	is '<>' "$(doveadm fetch hdr.return-path mailbox INBOX | sed -n 's/.*ath: //p')"
	logged 'repair=warned that the mailbox is 30% full'
	agree
	inside touch -d '25 hours ago' /home/bob/Maildir/quotawarn
	send five ann@one.example bob+lists@one.example
	send six ann@one.example bob+lists@one.example
	is 2 "$(inside ls /home/bob/Maildir/new | wc -l)"
}

@test "one warning a day in an mbox, too, whose stamp is in the home" {
	MAIL=mbox:/home/carol/mbox
	accounts '*:bytes=3000'
	inside sed -i 's/quota_warning = 0/quota_warning = 30/' /etc/virtmda/virtmda.conf
	for subject in one two three four; do
		send "$subject" ann@one.example carol@one.example
	done
	is 5 "$(count carol)"
	is 1 "$(headers carol Subject | grep -c '^Your mailbox is [3-9].% full$')"
	is "carol 1" "$(inside stat -c '%U %s' /home/carol/.quotawarn.carol)"
	logged 'repair=warned that the mailbox is'
}

@test "the warning needs the lock in root's mail directory that the message has just had" {
	MAIL=mbox:/var/mail/carol
	inside sed -i 's/quota_warning = 0/quota_warning = 30/; $a lock_timeout = 2' /etc/virtmda/virtmda.conf
	accounts '*:bytes=3000'
	inside sed -i 's,mbox:~/mbox,mbox:/var/mail/carol,' /etc/virtmda/accounts
	is "2775 root mail" "$(inside stat -c '%a %U %G' /var/mail)"
	for subject in one two three; do
		send "$subject" ann@one.example carol@one.example
	done
	is 4 "$(count carol)"
	logged 'repair=warned that the mailbox is'
	is carol "$(inside ls /var/mail)"
}

# header: the limits as virtmda writes them into maildirsize; in Dovecot's: kilobytes and messages.
header() {
	inside head -n 1 /home/bob/Maildir/maildirsize | tr , '\n' | awk '
		/S$/ { bytes = int((substr($0, 1, length - 1) + 1023) / 1024) }
		/C$/ { messages = substr($0, 1, length - 1) }
		END { print bytes ? bytes : "-", messages ? messages : "-" }'
}

@test "a rule means what it means to Dovecot" {
	needs_dovecot
	local rule
	for rule in '*:storage=10M' '*:storage=10M:messages=5' '*:bytes=1000000' '*:messages=1k' '*:storage=10' \
		'*:storage=2000b' '*:storage=5m' '*:storage=10MB' '*:storage=1G:storage=2G' '*:storage=0' '*:ignore' \
		'?:storage=10M' 'Trash:ignore' 'Trash:storage=+10%'; do
		accounts "$rule"
		inside rm -rf /home/bob/Maildir
		letter x | inside virtmda -f '' -d bob
		if inside test -e /home/bob/Maildir/maildirsize; then header; else echo "- -"; fi >"$BATS_TEST_TMPDIR/ours"
		is "$(doveadm -f tab quota get | awk -F '\t' '$2 == "STORAGE" { bytes = $4 } $2 == "MESSAGE" { messages = $4 } END { print bytes, messages }')" \
			"$(cat "$BATS_TEST_TMPDIR/ours")" "$rule"
	done
	# What Dovecot refuses, and what no quota can mean, waits.
	for rule in '*:storage=lots' '*:storage=-1' '*:storage=+5M' '*:storage=1.5G' '*: storage=5M' '*:STORAGE=5M' \
		'*' ':storage=1M' '*:storage=' '*:storage=99999999999999999999' '*:backend=5' '*:storage=10%'; do
		accounts "$rule"
		run inside virtmda -n -f '' -d bob
		is 75 "$status" "$rule"
	done
}

@test "a quota that is not understood is a mistake, not a mailbox without one" {
	accounts '*:storage=lots'
	send one ann@one.example bob@two.example
	deferred
	logged 'userdb_quota_rule: "lots" is not a size'
	accounts '*:storage=1G'
	run_queue
	is 0 "$(queued)"
}
