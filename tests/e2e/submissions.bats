#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Several hand-overs of one LMTP transaction: beside each other and beside the mailboxes, one for
# recipients that come to the same, and all within the time that the client waits. Programs that
# stand where sendmail is say when; the last tests have the real one.

load helpers

the_map() {
	cat <<-'EOT'
		ann@one.example     ann
		bob@one.example     bob
		dave@one.example    dave
		dave@two.example    dave
		fa@one.example      a@far.example
		fb@one.example      b@far.example
		fc@one.example      c@far.example
		team@one.example    team
		team@two.example    Team
		both@one.example    a@far.example, b@far.example
		both@two.example    b@far.example, a@far.example
		self@one.example    self
		slow@one.example    slow
		@two.example        error:nouser unknown there
		one.example         error:nouser unknown here
	EOT
}

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	the_map | map
	printf 'postmaster: root\nroot: dave\nteam: ann, bob\nself: self@one.example, bob\nslow: "|/run/script"\n' | write /etc/aliases
	inside newaliases
	inside sh -c 'echo "self:x:20009:20009::/home/self:/bin/sh" >>/etc/passwd; mkdir -p /home/self'
}

teardown_file() { machine_down; }

setup() {
	clean
	inside sh -c 'rm -rf /run/taken /home/*/.forward; mkdir -m 1777 /run/taken'
	settings </dev/null
}

# stand_in [PYTHON]: a program that stands where sendmail is. It keeps what it takes in /run/taken, and
# what it was told in /run/taken/PID.heard; at(STEP) is called before it answers.
stand_in() {
	{
		cat <<-'EOT'
			#!/usr/bin/python3
			import glob, os, sys, time
			def say(text): print(text, end="\r\n", flush=True)
			def until(true):
			    while not true(): time.sleep(0.02)
		EOT
		cat
		cat <<-'EOT'
			where = "/run/taken/%d" % os.getpid()
			heard, data = open(where + ".heard", "w"), None
			dsn = "250-here\r\n250 DSN"
			say("220 here")
			for line in sys.stdin:
			    heard.write(line)
			    heard.flush()
			    if data is not None and line.strip() == ".":
			        at("dot")
			        open(where + ".taken", "w").write("".join(data))
			        data = None
			        say("250 2.0.0 taken")
			    elif data is not None:
			        data.append(line)
			    else:
			        at(line[:4])
			        if line[:4] == "DATA": data = []
			        say("354 go" if data is not None else dsn if line[:4] == "EHLO" else "250 ok")
			heard.write("gone")
		EOT
	} | write /etc/virtmda/stand-in
	inside chmod 755 /etc/virtmda/stand-in
	settings <<<"sendmail = /etc/virtmda/stand-in"
}

# lmtp RECIPIENT... [-- OPTION...]: one message; the replies behind it, a line each.
lmtp() {
	local options=()
	{
		printf 'LHLO x\nMAIL FROM:<ann@one.example>\n'
		while [ $# -gt 0 ] && [ "$1" != -- ]; do
			printf 'RCPT TO:%s\n' "$1"
			shift
		done
		printf 'DATA\n%sSubject: hello\n\ntext\n.\nQUIT\n' "${BEFORE:-}"
		printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/options"
	} | sed 's/$/\r/' >"$BATS_TEST_TMPDIR/session"
	mapfile -t options < <(sed -n '2,$p' "$BATS_TEST_TMPDIR/options")
	inside timeout 60 virtmda "${options[@]}" -l <"$BATS_TEST_TMPDIR/session" |
		tr -d '\r' | sed '1,/^354/d;/^221/d'
}

# codes: the replies' first words, in their order.
codes() { cut -c 1-3 | xargs; }

taken() { inside sh -c 'ls /run/taken | grep -c taken$' || true; }

# settled: the real sendmail has delivered what it took.
settled() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(queued)" -eq 0 ] && return
		sleep 0.3
	done
	is 0 "$(queued)" "messages in the queue"
}

@test "they run beside each other, and beside the mailboxes" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "DATA": until(lambda: len(glob.glob("/run/taken/*.heard")) == 3)
		    if step == "dot": until(lambda: os.path.exists("/var/mail/bob"))
	EOT
	is "250 250 250 250" "$(lmtp '<fa@one.example>' '<fb@one.example>' '<bob@one.example>' '<fc@one.example>' | codes)"
	is 3 "$(taken)"
	is 1 "$(count bob)"
}

@test "no more at a time than workers, and yet all of them" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "dot":
		        mine = "/run/taken/%d.inside" % os.getpid()
		        open(mine, "w")
		        time.sleep(0.05)
		        if len(glob.glob("/run/taken/*.inside")) > 2: open("/run/taken/crowd", "w")
		        os.unlink(mine)
	EOT
	is "250 250 250 250" \
		"$(lmtp '<fa@one.example>' '<fb@one.example>' '<both@one.example>' '<fc@one.example>' -- -o workers=2 | codes)"
	is 4 "$(taken)"
	inside test ! -e /run/taken/crowd
}

@test "sendmail hangs before the dot: nothing is sent, the others have theirs, in the recipients' order" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "RCPT" and "TO:<b@" in line: time.sleep(3600)
	EOT
	lmtp '<fa@one.example>' '<fb@one.example>' '<bob@one.example>' -- -o lmtp_reply_timeout=3 >"$BATS_TEST_TMPDIR/replies"
	is "250 451 250" "$(codes <"$BATS_TEST_TMPDIR/replies")"
	sed -n 2p "$BATS_TEST_TMPDIR/replies" | grep -q '^451 4.3.0 sendmail: wait for its reply'
	is 1 "$(taken)"
	is 0 "$(inside sh -c 'grep -l b@far /run/taken/*.heard | xargs grep -c -e DATA -e QUIT' || true)"
	logged 'to=<fb@one.example>.*stat=Deferred: sendmail: wait for its reply'
}

@test "it hangs behind the dot: later, and the log says that it may go out all the same" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "dot": until(lambda: os.path.exists("/run/taken/wake"))
	EOT
	is "451 250" "$(lmtp '<fa@one.example>' '<bob@one.example>' -- -o lmtp_reply_timeout=2 | codes)"
	logged 'to=<fa@one.example>.*dsn=4.*stat=Deferred: it has the message and may send it: sendmail: wait for its reply'
	# Nobody listens any more.
	inside touch /run/taken/wake
	inside sh -c 'until ls /run/taken/*.taken >/dev/null 2>&1; do sleep 0.05; done; pgrep -x virtmda' && is none virtmda
	true
}

@test "the dot is not sent when too little time is left for its answer" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "DATA": time.sleep(2.5)
	EOT
	lmtp '<fa@one.example>' -- -o lmtp_reply_timeout=4 >"$BATS_TEST_TMPDIR/replies"
	is "451 4.3.0 sendmail: it left no time for its last answer: Connection timed out" "$(cat "$BATS_TEST_TMPDIR/replies")"
	is 0 "$(taken)"
	inside sh -c 'until grep -q gone /run/taken/*.heard; do sleep 0.05; done'
	is 0 "$(inside sh -c 'grep -c "^\.$" /run/taken/*.heard' || true)"
}

@test "those for whom no time is left wait, and were not begun" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "MAIL": time.sleep(3600)
	EOT
	lmtp '<fa@one.example>' '<fb@one.example>' -- -o lmtp_reply_timeout=1 -o workers=1 >"$BATS_TEST_TMPDIR/replies"
	is "451 4.4.7 no time was left to hand it over" "$(sed -n 2p "$BATS_TEST_TMPDIR/replies")"
	is 1 "$(inside sh -c 'ls /run/taken | grep -c heard')"
}

@test "in arguments nobody else's patience ends: sendmail may take its time" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "DATA": time.sleep(1.5)
	EOT
	letter slow | inside virtmda -o lmtp_reply_timeout=1 -f ann@one.example -d fa@one.example
	is 1 "$(taken)"
}

@test "a locked mailbox does not keep the client waiting for lock_timeout" {
	inside sh -c 'sleep 300 >/dev/null 2>&1 & echo $! >/run/sleeper; echo $! >/var/mail/bob.lock'
	is "450" "$(lmtp '<bob@one.example>' -- -o lmtp_reply_timeout=1 -o lock_timeout=200 | codes)"
	inside sh -c 'kill $(cat /run/sleeper); rm -f /var/mail/bob.lock'
}

@test "recipients that come to the same addresses are one submission, which names them" {
	stand_in <<<'def at(step): pass'
	is "250 250 250 250" \
		"$(lmtp '<team@one.example>' '<both@one.example>' '<team@two.example>' '<both@two.example>' | codes)"
	is 2 "$(taken)"
	is "team@one.example team@two.example" "$(inside sh -c 'cat $(grep -l team /run/taken/*.taken)' | tr -d '\r' | sed -n 's/^Delivered-To: //p' | xargs)"
	is "both@one.example both@two.example" "$(inside sh -c 'cat $(grep -l both /run/taken/*.taken)' | tr -d '\r' | sed -n 's/^Delivered-To: //p' | xargs)"
	is 1 "$(inside sh -c 'cat /run/taken/*.heard' | grep -c 'RCPT TO:<team>')"
	logged 'to=<team@one.example>.*alias=team, relay=sendmail.*stat=Forwarded'
	logged 'to=<team@two.example>.*alias=Team, relay=sendmail.*stat=Forwarded'
}

@test "other words about notices keep them apart" {
	stand_in <<<'def at(step): pass'
	is "250 250 250" "$(lmtp '<team@one.example> NOTIFY=NEVER' '<team@two.example>' '<team@one.example> NOTIFY=never' | codes)"
	is 2 "$(taken)"
}

@test "what was said about notices goes along with a .forward, too, and keeps them apart" {
	stand_in <<<'def at(step): pass'
	write /home/dave/.forward <<<'bob'
	inside chown dave /home/dave/.forward
	is "250 250" "$(lmtp '<dave@one.example> NOTIFY=NEVER ORCPT=rfc822;d@far.example' '<dave@two.example>' | codes)"
	is 2 "$(taken)"
	inside sh -c 'cat /run/taken/*.heard' | tr -d '\r' >"$BATS_TEST_TMPDIR/heard"
	is "$(printf '%s\n' 'RCPT TO:<dave>' 'RCPT TO:<dave> NOTIFY=NEVER ORCPT=rfc822;d@far.example')" \
		"$(grep ^RCPT "$BATS_TEST_TMPDIR/heard" | sed 's/ ORCPT=rfc822;dave@two.example//' | sort)"
}

@test "told to stop while sendmail has the message: its word is awaited, and passed on" {
	stand_in <<-'EOT'
		def at(step):
		    if step == "dot": until(lambda: os.path.exists("/run/taken/go"))
	EOT
	inside sh -c 'until ls /run/taken/*.heard >/dev/null 2>&1 && grep -q "^\.$(printf "\r")*$" /run/taken/*.heard; do sleep 0.05; done
		kill -TERM $(pgrep -o -x virtmda); sleep 0.3; touch /run/taken/go' 3>&- &
	is "250" "$(lmtp '<fa@one.example>' | head -n 1 | codes)"
	wait $!
	is 1 "$(taken)"
}

# Its configuration here has DeliveryMode=interactive: by itself it would deliver before it answers.
@test "the real sendmail answers when it has queued the message, and need not have delivered it" {
	printf '#!/bin/sh\nuntil [ -e /run/taken/go ]; do sleep 0.05; done\ncat >/run/taken/of-script\n' | write /run/script
	inside chmod 755 /run/script
	is "250" "$(lmtp '<slow@one.example>' -- -o lmtp_reply_timeout=6 | codes)"
	is 1 "$(queued)"
	inside touch /run/taken/go
	settled
	inside grep -q '^Subject: hello' /run/taken/of-script
}

@test "with the real sendmail everybody in the alias gets one" {
	is "250 250" "$(lmtp '<team@one.example>' '<team@two.example>' | codes)"
	settled
	is 1 "$(count ann)"
	is 1 "$(count bob)"
	is "team@one.example team@two.example" "$(inside sh -c 'sed -n "s/^Delivered-To: //p" /var/mail/bob' | xargs)"
}

@test "an alias that comes back to the account it names, and the account itself: one copy" {
	BEFORE=$'Delivered-To: self@one.example\n'
	is "250 250" "$(lmtp '<self@one.example>' '<self>' | codes)"
	is 1 "$(count self)"
	nothing_but self
	is 3 "$(inside grep -c '^Delivered-To: self' /var/mail/self)"
	logged 'to=<self@one.example>.*account=self, mailbox=.*stat=Delivered'
}

@test "an account by its address and by its name: one copy; with a .forward that is for the address" {
	is "250 250" "$(lmtp '<dave@one.example>' '<dave>' | codes)"
	is 1 "$(count dave)"
	is "dave@one.example dave" "$(inside sh -c 'sed -n "s/^Delivered-To: //p" /var/mail/dave' | xargs)"
	clean
	write /home/dave/.forward <<<'bob'
	inside chown dave /home/dave/.forward
	is "250 250" "$(lmtp '<dave@one.example>' '<dave>' | codes)"
	settled
	is 1 "$(count dave)"
	is 1 "$(count bob)"
	is "dave" "$(inside sh -c 'sed -n "s/^Delivered-To: //p" /var/mail/dave' | xargs)"
	is "dave@one.example" "$(inside sh -c 'sed -n "s/^Delivered-To: //p" /var/mail/bob' | xargs)"
	logged 'to=<dave@one.example>.*account=dave, relay=sendmail.*stat=Forwarded'
	logged 'to=<dave>.*account=dave, mailbox=.*stat=Delivered'
}
