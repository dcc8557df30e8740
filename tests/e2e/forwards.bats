#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# FEATURE(`virtmap') with a socket: what sendmail resolves by itself, and what it leaves to virtmda.

load helpers

# Targets of all kinds; each is e1@one.example, e2@one.example and so on.
targets() {
	printf '%s\n' someone@far.example '"odd one"@far.example' '"a@b"@far.example' '"x,y"@far.example' \
		'"quo\"te"@far.example' '"back\\slash"@far.example' '"two  blanks"@far.example' '"dot."@far.example' \
		'.lead@far.example' '"<>"@far.example' '"(comment)"@far.example' 'dollar$x@far.example' 'user%host@far.example' \
		'host!user@far.example' '/etc/passwd@far.example' '"|prog"@far.example' '":include:/x"@far.example' \
		'-dash@far.example' 'owner-x@far.example' 'postmaster@far.example' 'a_b=c?d/e~f@far.example' \
		'Mixed.Case@Far.Example' 'x@far.example.' 'x@[127.0.0.2]' 'büro@far.example' 'x@bücher.example' \
		"bounce+$(head -c 120 /dev/zero | tr '\0' v)=x@far.example" 'hop@five.example' 'one@far.example, two@far.example' \
		'one@far.example, bob'
}
map_of_envelopes() {
	targets | awk '{ print "e" NR "@one.example", $0 }'
	cat <<-'EOT'
		d1+*@one.example  %1+%2@far.example
		d2++@one.example  %2@far.example
		five.example      %1@six.example
		six.example       someone%3@far.example
	EOT
}

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
	map_of_envelopes | inside sh -c 'cat >>/etc/virtmda/virtmaps'
	inside virtmap build >/dev/null
	echo near.example | write /etc/mail/local-host-names
	printf '127.0.0.9 near.example\n127.0.0.10 far.example\n127.0.0.11 xn--bcher-kva.example\n' |
		inside tee -a /etc/hosts >/dev/null
	printf 'postmaster: root\nteam: bob, carol\nann-alias: ann\n' | write /etc/aliases
	inside /usr/sbin/sendmail -bi >/dev/null 2>&1
	inside cp /etc/mail/sendmail.cf /run/without.cf
	write /run/feature <<-'EOT'
		FEATURE(`virtmap', `', `unix:/run/virtmda/socket')dnl
	EOT
	inside sh -c 'cd /etc/mail && sed -e "/^FEATURE(.virtmap/{r /run/feature" -e "d}" test.mc | m4 - >/run/with.cf'
	# What leaves the host arrives at a sink.
	inside sed -i 's/^DS$/DSesmtp:[127.0.0.2]/' /run/with.cf /run/without.cf
	inside sh -c 'sink.py 127.0.0.2 /run/sink >/run/sink.log 2>&1 </dev/null 3>&- & until grep -q ready /run/sink.log; do sleep 0.05; done'
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

# settled: sendmail may still be at it when virtmda is done: only its daemon shall be left.
settled() {
	for _ in $(seq 200); do
		[ "$(inside pgrep -c sendmail)" -gt 1 ] || break
		sleep 0.05
	done
	run_queue
}

# became ADDRESS...: who has which messages, and what the sender was told, after mail to each.
became() {
	local address
	clean
	for address in "$@"; do
		send "to $address" dave@mail.test.example "$address" &
	done
	wait
	settled
	for account in $(inside ls /var/mail); do
		echo "$account: $(headers "$account" Subject | sort | uniq -c)"
	done
	echo "queued: $(queued)"
}

@test "whoever resolves a forward, it comes to the same" {
	local how
	for how in with without; do
		$how
		became near@one.example all@one.example help@one.example long@one.example ann@one.example typo@one.example \
			left@one.example null@one.example >"$BATS_TEST_TMPDIR/$how"
	done
	is "$(cat "$BATS_TEST_TMPDIR/without")" "$(cat "$BATS_TEST_TMPDIR/with")"
	is "ann bob carol dave queued" "$(sed -n 's/:.*//p' "$BATS_TEST_TMPDIR/with" | grep -v ' ' | paste -sd ' ')"
	is "queued: 1" "$(tail -n 1 "$BATS_TEST_TMPDIR/with")"
	grep -q ' Returned mail: ' "$BATS_TEST_TMPDIR/with"
}

# left RECIPIENT...: who gets what, here and elsewhere, after one message to them all.
left() {
	clean
	inside sh -c 'rm -rf /run/sink/* /var/lib/sendmail/host_status/*'
	send hello dave@mail.test.example "$@"
	settled
	# A second submission names the original recipient, and each goes by itself.
	inside sh -c 'cat /run/sink/*' | sed -n -e 's/> .*/>/' -e '/^TO /p' -e '/^FROM /p' | sort -u
	for account in $(inside ls /var/mail); do
		echo "$account: $(headers "$account" Subject | sort | uniq -c)"
	done
	echo "queued: $(queued)"
}

@test "whoever resolves a forward, the envelopes that leave are the same" {
	local to
	to="$(seq -f 'e%g@one.example' "$(targets | wc -l)") d1+box@one.example d1+@one.example d2+x@one.example
		y@five.example y+z@five.example büro@six.example"
	with
	# shellcheck disable=SC2086
	left $to '"q u"@six.example' >"$BATS_TEST_TMPDIR/with"
	without
	# shellcheck disable=SC2086
	left $to '"q u"@six.example' >"$BATS_TEST_TMPDIR/without"
	is "$(cat "$BATS_TEST_TMPDIR/without")" "$(cat "$BATS_TEST_TMPDIR/with")"
	is "bob:       1 hello queued: 0" "$(tail -n 2 "$BATS_TEST_TMPDIR/with" | paste -sd ' ')"
	is 31 "$(grep -c '^TO ' "$BATS_TEST_TMPDIR/with")" "recipients elsewhere"
	grep -q '^TO <"a@b"@far.example>$' "$BATS_TEST_TMPDIR/with"
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
