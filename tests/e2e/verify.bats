#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# FEATURE(`virtmap_verify'), both ways, through real sendmail: what is refused is refused at RCPT, with
# the right code, what could not be told is put off, and nothing is bounced afterwards.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	map <<-'EOT'
		ann@one.example        ann
		bob+x@one.example      bob
		"odd name"@one.example bob
		-oops@one.example      bob
		left@one.example       error:5.1.6:553 Left "us" (for good), ask <new@far.example>
		later@one.example      error:4.2.1:450 moving house
		hang@one.example       error:4.2.1:421 moving house
		typo@one.example       nobodyhere
		away@one.example       someone@far.example
		@two.example           carol
		.deep.example          dave
		full@one.example       dave
	EOT
}

teardown_file() { machine_down; }

setup() {
	clean
	settings </dev/null
}

teardown() {
	[ -n "$LACK" ] || serve_stop
}

program() { configure "FEATURE(\`virtmap_verify', \`program')dnl"; }
socket() { configure "FEATURE(\`virtmap_verify', \`socket')dnl" "$@"; }

# rcpt ADDRESS: what sendmail says to it, in an SMTP session without a message.
rcpt() {
	inside post.py -s -r eve@far.example "$1" </dev/null 2>/dev/null | sed -n '/^> RCPT/,/^>/s/^< //p'
}

# answers: every recipient has its answer; whichever way sendmail asks.
answers() {
	is "250 2.1.5 <ann@one.example>... Recipient ok" "$(rcpt ann@one.example)"
	is "250 2.1.5 <Ann@ONE.example>... Recipient ok" "$(rcpt Ann@ONE.example)"
	is "250 2.1.5 <bob+x@one.example>... Recipient ok" "$(rcpt bob+x@one.example)"
	is '250 2.1.5 <"odd name"@one.example>... Recipient ok' "$(rcpt '"odd name"@one.example')"
	is "250 2.1.5 <-oops@one.example>... Recipient ok" "$(rcpt -oops@one.example)"
	is "250 2.1.5 <any.body@two.example>... Recipient ok" "$(rcpt any.body@two.example)"
	is "250 2.1.5 <x@a.b.deep.example>... Recipient ok" "$(rcpt x@a.b.deep.example)"
	is "250 2.1.5 <away@one.example>... Recipient ok" "$(rcpt away@one.example)"
	is "250 2.1.5 <postmaster@one.example>... Recipient ok" "$(rcpt postmaster@one.example)"
	is "550 5.1.1 <nobody@one.example>... no such user: nobody@one.example" "$(rcpt nobody@one.example)"
	is "550 5.1.1 <bob@one.example>... no such user: bob@one.example" "$(rcpt bob@one.example)"
	is "550 5.1.1 <bob@one.example.>... no such user: bob@one.example" "$(rcpt bob@one.example.)"
	is "550 5.1.1 <|/bin/sh@one.example>... no such user: |/bin/sh@one.example" "$(rcpt '|/bin/sh@one.example')"
	is "550 5.1.1 <@relay.example:nobody@one.example>... no such user: nobody@one.example" \
		"$(rcpt @relay.example:nobody@one.example)"
	is "553 5.1.6 <left@one.example>... Left us (for good), ask <new@far.example>" "$(rcpt left@one.example)"
	is "450 4.2.1 <later@one.example>... moving house" "$(rcpt later@one.example)"
	# 421 would end the session, and with it everybody else's mail.
	is "451 4.2.1 moving house" "$(rcpt hang@one.example)"
	is "451 4.3.5 temporary trouble here, try again later" "$(rcpt typo@one.example)"
	# Not the map's: as without the feature.
	is "250 2.1.5 <root@mail.test.example>... Recipient ok" "$(rcpt root@mail.test.example)"
	is "250 2.1.5 <postmaster>... Recipient ok" "$(rcpt postmaster)"
}

# one_session: five recipients, five answers; three are refused at RCPT and nobody is told later.
one_session() {
	run letter_to ann@one.example nobody@one.example left@one.example any@two.example later@one.example
	is 0 "$status" "$output"
	is "250 550 553 250 450" "$(replies)"
	is 1 "$(count ann)"
	is 1 "$(count carol)"
	nothing_but ann carol
	unlogged 'DSN:'
}

letter_to() { letter hello | inside post.py -s eve@far.example "$@" 2>&1; }
# The replies to RCPT in $output.
replies() { printf '%s\n' "$output" | sed -n '/^> RCPT/{n;s/^< \(...\).*/\1/p}' | paste -sd ' '; }

@test "by program: every recipient has its answer" {
	program
	answers
}

# full: dave's mailbox is above his quota.
full() {
	inside sh -c '
		{ echo "From x@far.example Sun Nov 22 18:00:00 2026"; echo; head -c 20000 /dev/zero | tr "\0" x; echo; echo; } >/var/mail/dave
		chown dave:mail /var/mail/dave
		chmod 660 /var/mail/dave'
	printf 'quota = storage=10\nover_quota = %s\n' "$1" | settings
}

@test "by program: one session" {
	program
	one_session
}

@test "by socket: every recipient has its answer" {
	socket
	serve
	answers
}

@test "by socket: one session" {
	socket
	serve
	one_session
}

@test "by socket: a full mailbox is full at RCPT, for now or for good" {
	full defer
	socket
	serve
	run letter_to ann@one.example full@one.example x@deep.deep.example nobody@one.example any@two.example left@one.example
	is 0 "$status" "$output"
	is "250 452 452 550 250 553" "$(replies)" "$output"
	is "452 4.2.2 the mailbox is full" "$(rcpt full@one.example)"
	is 1 "$(count ann)"
	is 1 "$(count carol)"
	is 0 "$(queued)"
	unlogged 'DSN:'
	serve_stop
	full reject
	serve
	is "552 5.2.2 the mailbox is full" "$(rcpt full@one.example)"
	is "250 2.1.5 <ann@one.example>... Recipient ok" "$(rcpt ann@one.example)"
	inside rm /var/mail/dave
	is "250 2.1.5 <full@one.example>... Recipient ok" "$(rcpt full@one.example)"
}

# five_at_rcpt: what both mailers must show: each recipient has its answer at RCPT, and no more
# is to be said about it later, neither at once nor by a queue run.
five_at_rcpt() {
	full defer
	serve
	run letter_to nobody@one.example full@one.example left@one.example any@two.example ann@one.example
	is 0 "$status" "$output"
	is "550 452 553 250 250" "$(replies)" "$output"
	is hello "$(headers ann Subject)"
	is any@two.example "$(header carol 1 Delivered-To)"
	run_queue
	nothing_but ann carol dave
	is 0 "$(count root)"
	unlogged 'DSN:'
	unlogged 'stat=\(Deferred\|User unknown\|Service unavailable\)'
}

@test "by socket, delivered by program: unknown, full, refused, caught, good" {
	socket
	five_at_rcpt
	is 2 "$(inside grep -c 'mailer=virtmda, pri=.*stat=Sent' /run/log)" "lines of two recipients"
}

# sendmail logs the recipients of one transaction on one line.
@test "by socket, delivered by LMTP: unknown, full, refused, caught, good" {
	socket "define(\`VIRTMDA_MAILER_LMTP', \`')dnl"
	inside grep -q 'A=virtmda -l' /etc/mail/sendmail.cf
	five_at_rcpt
	logged 'to=<ann@one.example>,<any@two.example>, .*mailer=virtmda.*stat=Sent'
}

@test "by program: a full mailbox, which its user cannot see, is met at delivery" {
	full defer
	program
	is "250 2.1.5 <full@one.example>... Recipient ok" "$(rcpt full@one.example)"
	send hello eve@far.example full@one.example
	deferred
}

# put_off: nobody is called unknown while the truth cannot be told.
LATER="temporary trouble here, try again later"
put_off() {
	is "451 4.3.0 $LATER" "$(rcpt nobody@one.example)"
	is "451 4.3.0 $LATER" "$(rcpt ann@one.example)"
	is "250 2.1.5 <root@mail.test.example>... Recipient ok" "$(rcpt root@mail.test.example)"
}

without_map() {
	local status=0
	inside mv /etc/virtmda/virtmaps.gdbm /run/away
	put_off || status=1
	inside sh -c 'head -c 3000 /run/away >/etc/virtmda/virtmaps.gdbm'
	put_off || status=1
	inside mv /run/away /etc/virtmda/virtmaps.gdbm
	[ "$status" -eq 0 ]
	is "550 5.1.1 <nobody@one.example>... no such user: nobody@one.example" "$(rcpt nobody@one.example)"
}

@test "by program: no map, a damaged map, no program" {
	program
	without_map
	inside mv /usr/local/sbin/virtmap /run/virtmap
	run put_off
	inside mv /run/virtmap /usr/local/sbin/virtmap
	is 0 "$status" "$output"
}

@test "by socket: no map, a damaged map, no server" {
	socket
	serve
	without_map
	serve_stop
	put_off
}

# What it lost with the old connection sendmail puts off; then it connects anew.
@test "a server that was killed and started again answers in the same session" {
	socket
	serve
	inside sh -c 'cat >/run/restart' <<-'EOT'
		read -r pid </run/serve.pid
		kill -9 "$pid"
		while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
		[ "$1" != start ] || { virtmap serve -s unix:/run/virtmda/socket >/dev/null 2>>/run/log </dev/null 3>&- & echo $! >/run/serve.pid; sleep 1; }
	EOT
	run inside dialogue.py <<-'EOT'
		HELO client.test.example
		MAIL FROM:<eve@far.example>
		RCPT TO:<nobody@one.example>
		!sh /run/restart start
		RCPT TO:<ann@one.example>
		RCPT TO:<nobody@one.example>
		!virtmap rm ann@one.example >/dev/null
		RCPT TO:<ann@one.example>
		!virtmap add ann@one.example ann >/dev/null
		RCPT TO:<ann@one.example>
		QUIT
	EOT
	is "250 250 550 451 550 550 250 221" "$(printf '%s\n' "$output" | cut -c 1-3 | paste -sd ' ')" "$output"
}

@test "delay_checks and blocked recipients stay in force" {
	printf 'To:bob+x@one.example\tERROR:5.7.1:"550 Blocked"\nConnect:127.0.0.1\tRELAY\n' | write /etc/mail/access
	inside makemap hash /etc/mail/access </dev/null >/dev/null 2>&1 ||
		skip "needs makemap"
	inside sh -c 'makemap hash /etc/mail/access </etc/mail/access'
	serve
	for more in "" "FEATURE(\`delay_checks')dnl"; do
		socket "FEATURE(\`access_db', \`hash -T<TMPF> /etc/mail/access')dnl" "FEATURE(\`blocklist_recipients')dnl" "$more"
		is "550 5.7.1 <bob+x@one.example>... Blocked" "$(rcpt bob+x@one.example)" "$more"
		is "550 5.1.1 <nobody@one.example>... no such user: nobody@one.example" "$(rcpt nobody@one.example)" "$more"
		is "250 2.1.5 <ann@one.example>... Recipient ok" "$(rcpt ann@one.example)" "$more"
		is "250 2.1.5 <someone@far.example>... Recipient ok" "$(rcpt someone@far.example)" "$more"
	done
}

@test "one's own Local_check_rcpt may stand behind it" {
	inside sh -c '
		cd /etc/mail
		printf "%s\n" "FEATURE(\`virtmap_verify'"'"', \`program'"'"')dnl" LOCAL_RULESETS SLocal_check_rcpt \
			"R<bob+x@\$+>	\$#error \$@ 5.7.1 \$: \"550 Mine\"" "divert(-1)" >/run/own
		sed "/^FEATURE(.virtmap/r /run/own" test.mc | m4 - >sendmail.cf'
	sendmail_restart
	is "550 5.7.1 <bob+x@one.example>... Mine" "$(rcpt bob+x@one.example)"
	is "550 5.1.1 <nobody@one.example>... no such user: nobody@one.example" "$(rcpt nobody@one.example)"
	is "250 2.1.5 <ann@one.example>... Recipient ok" "$(rcpt ann@one.example)"
}

@test "mistakes in the .mc file are named" {
	run inside sh -c 'sed "/^FEATURE(.virtmap/s/.*/FEATURE(\`virtmap'"'"')dnl\nFEATURE(\`virtmap_verify'"'"')dnl/" /etc/mail/sendmail.mc | m4 - 2>&1 >/dev/null'
	[[ $output == *"FEATURE(\`virtmap_verify') needs \`program' or \`socket'"* ]]
	run inside sh -c 'sed "/^FEATURE(.virtmap/s/virtmap.)/virtmap_verify'"'"', \`program'"'"')/" /etc/mail/sendmail.mc | m4 - 2>&1 >/dev/null'
	[[ $output == *"FEATURE(\`virtmap_verify') needs FEATURE(\`virtmap')"* ]]
}
