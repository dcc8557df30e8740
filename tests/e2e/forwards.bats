#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# FEATURE(`virtmap') with a socket: what sendmail resolves by itself, and what it leaves to virtmda.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	map <<-'EOT'
		ann@one.example        ann
		away@one.example       someone@far.example
		Odd@one.example        "odd one"@far.example
		detail+*@one.example   someone%3@far.example
		hop@one.example        away@two.example
		away@two.example       other@far.example
		both@one.example       someone@far.example, carol
		help@one.example       team
		helps+*@one.example    team%3
		left@one.example       error:5.1.6:553 Left us
		null@one.example       discard:
		typo@one.example       nobodyhere
		here@one.example       bob@mail.test.example
		@three.example         carol
		near@one.example       bob@near.example
		all@one.example        bob@near.example, carol@near.example, dave
		lost@one.example       nobodyhere@near.example
		long@one.example       near@one.example
	EOT
	echo near.example | write /etc/mail/local-host-names
	echo '127.0.0.9 near.example' | inside tee -a /etc/hosts >/dev/null
	printf 'postmaster: root\nteam: bob, carol\nann-alias: ann\n' | write /etc/aliases
	inside /usr/sbin/sendmail -bi >/dev/null 2>&1
	inside cp /etc/mail/sendmail.cf /run/without.cf
	write /run/feature <<-'EOT'
		FEATURE(`virtmap', `', `unix:/run/virtmda/socket')dnl
	EOT
	inside sh -c 'cd /etc/mail && sed -e "/^FEATURE(.virtmap/{r /run/feature" -e "d}" test.mc | m4 - >/run/with.cf'
}

teardown_file() { machine_down; }

setup() {
	clean
	with
	serve
}

# with, without: sendmail as it asks the map itself, or leaves everything to virtmda.
with() {
	inside cp /run/with.cf /etc/mail/sendmail.cf
	sendmail_restart
}
without() {
	inside cp /run/without.cf /etc/mail/sendmail.cf
	sendmail_restart
}

teardown() { [ -n "$LACK" ] || serve_stop; }

# resolved ADDRESS: what ruleset 0, which calls itself for where a forward goes, makes of it.
resolved() {
	printf '3,0 %s\n' "$@" | inside /usr/sbin/sendmail -bt |
		sed -n 's/^parse *returns: *//p' | tail -n 1 |
		sed -E -e 's/^\$# ([a-z]+) (\$@ .* )?\$: /\1:/' -e 's/ //g' -e 's/:/ /'
}

to_virtmda() {
	local address
	for address in "$@"; do
		is "virtmda $address" "$(resolved "$address")" "$address"
	done
}

@test "one address elsewhere and aliases are resolved by sendmail" {
	is "esmtp someone<@far.example.>" "$(resolved away@one.example)"
	is "esmtp someone<@far.example.>" "$(resolved Away@ONE.example)"
	is 'esmtp "oddone"<@far.example.>' "$(resolved odd@one.example)"
	is "esmtp someone+Box<@far.example.>" "$(resolved detail+Box@one.example)"
	is "esmtp other<@far.example.>" "$(resolved hop@one.example)"
	is "local team" "$(resolved help@one.example)"
	is "local team+x" "$(resolved helps+x@one.example)"
	is "local postmaster" "$(resolved postmaster@one.example)"
	is "local root" "$(resolved root@mail.test.example)"
}

@test "accounts, lists, refusals and doubts are left to virtmda" {
	to_virtmda ann@one.example both@one.example left@one.example null@one.example typo@one.example \
		nobody@one.example here@one.example any@three.example '"a@b"@one.example' -oops@one.example
}

@test "without a map or a server all is left to virtmda" {
	inside mv /etc/virtmda/virtmaps.gdbm /run/away
	run to_virtmda away@one.example help@one.example ann@one.example
	inside mv /run/away /etc/virtmda/virtmaps.gdbm
	is 0 "$status" "$output"
	serve_stop
	to_virtmda away@one.example help@one.example ann@one.example
}

@test "an alias of the map is delivered by sendmail's local mailer, queued once" {
	send hello eve@far.example help@one.example
	is 1 "$(count bob)"
	is 1 "$(count carol)"
	nothing_but bob carol
	is "" "$(inside sed -n 's/.*virtmda\[/virtmda/p' /run/log)" "lines of virtmda"
	is 1 "$(inside grep -c ' from=<eve' /run/log)" "messages in the log"
}

# became ADDRESS: who has how many messages, and what the sender was told, after mail to it.
became() {
	clean
	send hello dave@mail.test.example "$1"
	# sendmail may still be at it when virtmda is done: only its daemon shall be left.
	for _ in $(seq 200); do
		[ "$(inside pgrep -c sendmail)" -gt 1 ] || break
		sleep 0.05
	done
	run_queue
	for account in $(inside ls /var/mail); do
		echo "$account: $(headers "$account" Subject | sort | uniq -c)"
	done
	echo "queued: $(queued)"
}

@test "whoever resolves a forward, it comes to the same" {
	for address in near@one.example all@one.example help@one.example long@one.example \
		ann@one.example typo@one.example left@one.example null@one.example; do
		with
		became "$address" >"$BATS_TEST_TMPDIR/with"
		without
		became "$address" >"$BATS_TEST_TMPDIR/without"
		is "$(cat "$BATS_TEST_TMPDIR/without")" "$(cat "$BATS_TEST_TMPDIR/with")" "$address"
		echo "$address: $(paste -sd ' ' "$BATS_TEST_TMPDIR/with")"
	done
}

@test "where the one address is nobody's, the sender is told either way, and sooner by sendmail" {
	run send hello dave@mail.test.example lost@one.example
	is 1 "$status"
	[[ $output == *"550 5.1.1 <lost@one.example>... User unknown"* ]]
	nothing_but
	without
	became lost@one.example
	is "Returned mail: see transcript for details" "$(headers dave Subject)"
	nothing_but dave
}
