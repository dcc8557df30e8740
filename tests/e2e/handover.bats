#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What goes on to sendmail: aliases, addresses elsewhere, lists, accounts with a .forward. sendmail is
# the real one, started by virtmda; what leaves the host arrives at a sink on another loopback
# address.

load helpers

the_map() {
	cat <<-'EOT'
		ann@one.example       ann
		alias@one.example     team
		included@one.example  members
		program@one.example   script
		owned@one.example     owned
		far@one.example       friend@[127.0.0.2]
		list@one.example      ann, friend@[127.0.0.2], bob
		partly@one.example    ann, nobodyhere, friend@[127.0.0.2]
		none@one.example      nobodyhere, nobodythere
		self@one.example      self
		dave@one.example      dave
		spin@one.example      elsewhere@two.example
		stale@one.example     stale
		broken@one.example    broken
		hosted@one.example    carol
		quoted@one.example    "a b"@[127.0.0.2]
		two.example           error:nouser unknown there
		round@three.example   loop
		one.example           error:nouser unknown here
		three.example         bob
	EOT
}

the_aliases() {
	cat <<-'EOT'
		postmaster: root
		MAILER-DAEMON: postmaster
		root: dave
		team: ann, bob
		members: :include:/etc/virtmda/members
		script: "|/run/out/script"
		owned: carol, friend@[127.0.0.2]
		broken: nobodyhere, carol
		owner-owned: dave
		self: self@one.example, bob
		loop: round@three.example
	EOT
}

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	the_map | map
	the_aliases | write /etc/aliases
	printf 'ann\ncarol\n' | write /etc/virtmda/members
	inside mkdir -m 1777 /run/out
	printf '#!/bin/sh\ncat >/run/out/of-script\n' | write /run/out/script
	inside chmod 755 /run/out/script
	inside newaliases
	echo 'stale: ann' | inside tee -a /etc/aliases >/dev/null
	inside sh -c 'sink.py 127.0.0.2 /run/sink >/run/sink.log 2>&1 </dev/null & until grep -q ready /run/sink.log; do sleep 0.05; done'
}

teardown_file() { machine_down; }

setup() {
	clean
	inside sh -c 'rm -f /run/sink/* /run/out/of-script /run/said /home/*/.forward'
	settings </dev/null
}

# settled: sendmail may still be at it when virtmda is done.
settled() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(queued)" -eq 0 ] && return
		sleep 0.3
	done
	is 0 "$(queued)" "messages in the queue"
}

# sunk: how many messages have arrived elsewhere. envelope: of the first.
sunk() { inside sh -c 'ls /run/sink | grep -c -v part' || true; }
envelope() { inside sh -c "sed '/^\$/q' \"/run/sink/\$(ls /run/sink | head -n 1)\""; }
letter_there() { inside sh -c "sed '1,/^\$/d' \"/run/sink/\$(ls /run/sink | head -n 1)\""; }

# stand_in: standard input is a program that stands where sendmail is.
stand_in() {
	write /etc/virtmda/stand-in
	inside chmod 755 /etc/virtmda/stand-in
	settings <<<"sendmail = /etc/virtmda/stand-in"
}

@test "an alias reaches its accounts, with the original recipient in Delivered-To" {
	send one x@one.example alias@one.example
	settled
	nothing_but ann bob
	is one "$(headers ann Subject)"
	is alias@one.example "$(header bob 1 Delivered-To)"
	is '<x@one.example>' "$(header bob 1 Return-Path)"
	logged 'to=<alias@one.example>.*alias=team, relay=sendmail.*dsn=2.0.0, stat=Forwarded ([0-9A-Za-z]* Message accepted'
}

@test "what is sendmail's stays sendmail's: :include:, a program, owner-" {
	send included x@one.example included@one.example
	send program x@one.example program@one.example
	settled
	is included "$(headers ann Subject)"
	is included "$(headers carol Subject)"
	inside grep -q '^Subject: program' /run/out/of-script
	clean
	send owned x@one.example owned@one.example
	settled
	is owned "$(headers carol Subject)"
	is 'FROM <dave@mail.test.example>' "$(envelope | head -n 1 | cut -d ' ' -f 1,2)"
}

@test "an address elsewhere: the sender stays, the sender's bounce would name what was written to" {
	send far x@one.example far@one.example
	settled
	is 1 "$(sunk)"
	is 'FROM <x@one.example>' "$(envelope | head -n 1 | cut -d ' ' -f 1,2)"
	is 'TO <friend@[127.0.0.2]> ORCPT=rfc822;far@one.example' "$(envelope | sed -n 2p)"
	letter_there | grep -q '^Delivered-To: far@one.example$'
	letter_there | grep -q '^Subject: far$'
	is 0 "$(letter_there | grep -c -i '^Return-Path' || true)"
	logged 'forward=friend@\[127.0.0.2\], relay=sendmail.*stat=Forwarded'
}

@test "a local part that must be quoted is one word all the way" {
	send quoted x@one.example quoted@one.example
	settled
	is 'TO <"a b"@[127.0.0.2]>' "$(envelope | sed -n 2p | cut -d ' ' -f 1-3)"
}

@test "a list is one submission: everybody gets it once" {
	send list x@one.example list@one.example
	settled
	is 1 "$(count ann)"
	is 1 "$(count bob)"
	is 1 "$(sunk)"
	is 1 "$(inside grep -c 'proto=ESMTP.*relay=root@localhost' /run/log)" submissions
}

@test "a member that is refused: the others have it, and the sender is told once" {
	send partly ann@one.example partly@one.example
	settled
	is 1 "$(sunk)"
	is 2 "$(count ann)"
	is 'Returned mail: not delivered to everybody' "$(headers ann Subject | grep Returned)"
	inside sh -c 'cat /var/mail/ann' >"$BATS_TEST_TMPDIR/ann"
	grep -q '^Content-Type: multipart/report; report-type=delivery-status;' "$BATS_TEST_TMPDIR/ann"
	grep -q '^Final-Recipient: rfc822; nobodyhere$' "$BATS_TEST_TMPDIR/ann"
	grep -q '^Original-Recipient: rfc822;partly@one.example$' "$BATS_TEST_TMPDIR/ann"
	grep -q '^Status: 5.1.1$' "$BATS_TEST_TMPDIR/ann"
	is 1 "$(grep -c '^Return-Path: <MAILER-DAEMON\|^Return-Path: <>' "$BATS_TEST_TMPDIR/ann")"
	logged 'stat=Forwarded (.*refused, and the sender told: nobodyhere: 550 5.1.1'
}

@test "nobody is told of a refused member when there is no sender" {
	send bounce '' partly@one.example
	settled
	is 1 "$(sunk)"
	is bounce "$(headers ann Subject)"
	nothing_but ann
	logged 'refused, and nobody to tell: nobodyhere'
}

@test "a list that nobody is left of is refused" {
	send none ann@one.example none@one.example
	settled
	is 1 "$(count ann)"
	inside grep -q 'User unknown' /var/mail/ann
	logged 'to=<none@one.example>.*dsn=5.1.1, stat=Service unavailable: 550 5.1.1'
}

@test "sendmail says later: nothing is sent, nobody is bounced" {
	stand_in <<-'EOT'
		#!/usr/bin/python3
		import sys
		def say(text): print(text, end="\r\n", flush=True)
		say("220 here")
		for line in sys.stdin:
		    open("/run/said", "a").write(line)
		    if line.startswith("RCPT TO:<nobodyhere"): say("451 4.7.1 later")
		    elif line.startswith("DATA"): say("354 go")
		    else: say("250 ok")
	EOT
	send later ann@one.example partly@one.example
	deferred
	logged 'stat=Deferred: sendmail: 451 4.7.1 later'
	is 0 "$(inside grep -c DATA /run/said || true)"
	inside grep -q RSET /run/said
}

@test "no sendmail, one that others may write, one that is killed: the mail waits" {
	local why
	for why in missing writable dies; do
		clean
		printf '#!/bin/sh\nkill -KILL $$\n' | stand_in
		[ $why != missing ] || inside rm /etc/virtmda/stand-in
		[ $why != writable ] || inside chmod 777 /etc/virtmda/stand-in
		send $why ann@one.example alias@one.example
		deferred
	done
	settings </dev/null
	run_queue
	settled
	is dies "$(headers bob Subject)"
}

@test "an alias that sendmail does not know yet waits for newaliases" {
	send stale ann@one.example stale@one.example
	deferred
	logged 'sendmail does not know stale (newaliases?): 550 5.1.1'
}

@test "a member of an alias that sendmail does not know: the others have it, and sendmail tells the sender" {
	send broken ann@one.example broken@one.example
	settled
	nothing_but ann carol
	is broken "$(headers carol Subject)"
	is 1 "$(count ann)"
	body ann 1 | grep -q 'User unknown'
}

@test "a .forward is honoured, and a copy that comes back is the mailbox's" {
	write /home/dave/.forward <<<'friend@[127.0.0.2], dave@one.example'
	inside chown dave /home/dave/.forward
	send forward x@one.example dave@one.example
	settled
	is 1 "$(sunk)"
	is forward "$(headers dave Subject)"
	logged 'account=dave, relay=sendmail.*stat=Forwarded'
	settings <<<"forward_files = ignore"
	send ignored x@one.example dave@one.example
	is 2 "$(count dave)"
	is 1 "$(sunk)"
}

@test "a .forward of a bare name has been seen by sendmail: the mailbox gets it" {
	write /home/dave/.forward <<<'friend@[127.0.0.2]'
	letter bare | inside virtmda -f x@one.example -d dave
	is bare "$(headers dave Subject)"
	is 0 "$(sunk)"
}

@test "an account that only virtmda knows waits, and the log says why" {
	inside sh -c 'echo "carol:x:20003:20003::/home/carol" >/etc/virtmda/accounts
		echo "guest:x:20003:20003::/home/carol" >>/etc/virtmda/accounts
		echo friend >/home/carol/.forward; chown carol /home/carol/.forward
		echo "guest@four.example guest" >/run/four'
	settings <<<"accounts = passwd-file:/etc/virtmda/accounts"
	inside virtmap -o map=/run/four -o domains=/run/four.domains build
	run letter_to_guest
	is 75 "$status"
	[[ $output == *"sendmail does not know guest"* ]]
}
letter_to_guest() {
	letter guest | inside virtmda -o map=/run/four -o domains=/run/four.domains \
		-o accounts=passwd-file:/etc/virtmda/accounts -f x@one.example -d guest@four.example
}

@test "an alias that comes back to its own address ends in the account of its name, else in a bounce" {
	inside sh -c 'grep -q ^self: /etc/passwd || { echo "self:x:20009:20009::/home/self:/bin/sh" >>/etc/passwd; mkdir -p /home/self; }'
	send self x@one.example self@one.example
	settled
	is self "$(headers bob Subject)"
	is self "$(headers self Subject)"
	clean
	send loop ann@one.example round@three.example
	settled
	nothing_but ann
	logged 'to=<round@three.example>.*dsn=5.4.6, stat=Service unavailable'
}

@test "too many hops are too many" {
	{
		for i in $(seq 120); do echo "Received: hop $i"; done
		letter hops
	} >"$BATS_TEST_TMPDIR/message"
	run inside virtmda -f ann@one.example -d far@one.example <"$BATS_TEST_TMPDIR/message"
	is 0 "$(sunk)"
	is 69 "$status"
	[[ $output == 5.4.6* ]]
}

@test "bytes: dots, NUL, 8 bits, long lines, a bare CR, no last newline" {
	{
		printf 'Subject: bytes\n\n.\n..two\nfrom\r\nbare\rcr\n.\r\n\351\303\251\n'
		head -c 5000 /dev/zero | tr '\0' x
		printf '\nno end'
	} >"$BATS_TEST_TMPDIR/message"
	inside sh -c 'virtmda -f ann@one.example -d alias@one.example' <"$BATS_TEST_TMPDIR/message"
	settled
	{
		printf '.\n..two\nfrom\nbare cr\n.\n\351\303\251\n'
		head -c 5000 /dev/zero | tr '\0' x
		printf '\nno end\n'
	} >"$BATS_TEST_TMPDIR/expected"
	inside sed '1,/^$/d' /var/mail/bob | sed '$d' >"$BATS_TEST_TMPDIR/arrived"
	cmp "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/arrived"
}

@test "a large message goes through a file" {
	{
		letter large
		head -c 3000000 /dev/zero | tr '\0' '\n'
	} >"$BATS_TEST_TMPDIR/large"
	inside virtmda -f ann@one.example -d far@one.example <"$BATS_TEST_TMPDIR/large"
	settled
	is 1 "$(sunk)"
	[ "$(letter_there | wc -c)" -gt 3000000 ]
}

@test "postmaster of every domain reaches somebody by itself, abuse where that is set" {
	send pm ann@one.example postmaster@one.example
	settled
	is pm "$(headers dave Subject)"
	send abuse '' abuse@one.example
	unlogged 'account=.*abuse'
	settings <<<"abuse = ann"
	send abuse ann@one.example abuse@three.example
	is abuse "$(headers ann Subject | tail -n 1)"
}

@test "by LMTP: told at RCPT, forwarded behind the dot" {
	write /home/dave/.forward <<<'friend@[127.0.0.2]'
	inside chown dave /home/dave/.forward
	write /run/session <<-'EOT'
		LHLO x
		MAIL FROM:<ann@one.example>
		RCPT TO:<alias@one.example>
		RCPT TO:<none@one.example>
		RCPT TO:<nobody@one.example>
		RCPT TO:<dave@one.example>
		RCPT TO:<ann@one.example>
		DATA
		Subject: lmtp

		text
		.
		QUIT
	EOT
	inside sh -c 'sed "s/\$/\r/" /run/session | virtmda -l' >"$BATS_TEST_TMPDIR/replies"
	settled
	is "250 250 550 250 250 354" "$(sed -n '/^250 2.1.0/,/^354/p' "$BATS_TEST_TMPDIR/replies" | tail -n +2 | cut -c 1-3 | xargs)"
	is "250 550 250 250 221" "$(sed '1,/^354/d' "$BATS_TEST_TMPDIR/replies" | cut -c 1-3 | xargs)"
	is 1 "$(sunk)"
	is 2 "$(count ann)"
	is 1 "$(count bob)"
}

@test "by LMTP: what was said about notices goes along" {
	write /run/session <<-'EOT'
		LHLO x
		MAIL FROM:<ann@one.example> RET=HDRS ENVID=q+2B1
		RCPT TO:<far@one.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;first@one.example
		DATA
		Subject: notices

		text
		.
		QUIT
	EOT
	inside sh -c 'sed "s/\$/\r/" /run/session | virtmda -l' >"$BATS_TEST_TMPDIR/replies"
	settled
	is 1 "$(sunk)"
	envelope
	envelope | grep -q '^FROM .* RET=HDRS'
	envelope | grep -q '^FROM .* ENVID=q+2B1'
	envelope | grep -q '^TO .* NOTIFY=FAILURE,DELAY'
	envelope | grep -q '^TO .* ORCPT=rfc822;first@one.example'
}

@test "a local part of more than 64 bytes, as VERP and SRS write them" {
	local long
	long=$(printf 'SRS0=aaaa=bb=some-where-far-away.example=%050d' 7)
	send long ann@one.example "$long@three.example"
	is long "$(headers bob Subject)"
	is "$long@three.example" "$(header bob 1 Delivered-To | tr '[:upper:]' '[:lower:]' | sed 's/^srs0/SRS0/')"
}

@test "-n says where it would go, and does not send" {
	run inside virtmda -n -d alias@one.example far@one.example
	is 0 "$status"
	is 0 "$(sunk)"
	[[ $output == *"alias@one.example: alias team"* ]]
	run inside virtmda -n -o sendmail=/nonexistent -d alias@one.example
	is 75 "$status"
}
