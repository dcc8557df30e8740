#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# FEATURE(`local_virtmda'): names of this host, with sendmail's aliases and .forward files before them.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	map <<<'x@one.example ann'
	printf 'postmaster: root\nroot: ann\nteam: bob, carol@mail.test.example\n' | write /etc/aliases
	inside /usr/sbin/sendmail -bi >/dev/null 2>&1
	configure "FEATURE(\`local_virtmda')dnl"
}

teardown_file() { machine_down; }

setup() {
	clean
	settings </dev/null
}

@test "unqualified names and names of this host are delivered by virtmda" {
	send hello eve@far.example ann
	send hello eve@far.example bob@mail.test.example
	send hello eve@far.example carol@localhost
	nothing_but ann bob carol
	is 3 "$(inside grep -c 'virtmda\[.*stat=Delivered' /run/log)"
	logged 'mailer=local.*stat=Sent'
	is eve@far.example "$(inside sed -n '1s/^From \([^ ]*\) .*/\1/p' /var/mail/bob)"
}

@test "aliases are expanded by sendmail" {
	send hello eve@far.example team
	nothing_but bob carol
	send hello eve@far.example root
	is 1 "$(count ann)"
}

@test "a name that is nobody's is refused, at RCPT by sendmail" {
	run send hello eve@far.example nobodyhere
	is 1 "$status"
	[[ $output == *"550 5.1.1"* ]]
	nothing_but
}

@test "a .forward is obeyed by sendmail, and a copy kept in spite of it comes but once" {
	printf '%s\n' '\ann, bob' | write /home/ann/.forward
	inside chown ann /home/ann/.forward
	send hello eve@far.example ann
	is 1 "$(count ann)"
	is 1 "$(count bob)"
	nothing_but ann bob
}

@test "a detail is a folder of the account" {
	printf 'mailbox = maildir:~/Maildir\ndetail_folders = create\n' | settings
	send hello eve@far.example ann+Lists
	is 1 "$(inside sh -c 'ls /home/ann/Maildir/.lists/new | wc -l')"
	send hello eve@far.example ann
	is 1 "$(inside sh -c 'ls /home/ann/Maildir/new | wc -l')"
}

@test "what cannot be delivered waits" {
	echo 'mailbox = mbox:/nowhere/%u' | settings
	send hello eve@far.example ann
	is 1 "$(queued)"
	logged 'mailer=local.*stat=Deferred'
	unlogged 'DSN:'
	settings </dev/null
	run_queue
	is 1 "$(count ann)"
}

@test "its arguments, and where it may stand" {
	run inside sh -c '
		cd /etc/mail
		echo "FEATURE(\`local_virtmda'"'"', \`/opt/virtmda'"'"', \`virtmda -f \$g -- \$u'"'"', \`S'"'"')dnl" >/run/lines
		sed "/^FEATURE(.virtmap/r /run/lines" test.mc | m4 - | sed -n "/^Mlocal/,/A=/p" | tr -s "\t\n" " "'
	is "Mlocal, P=/opt/virtmda, F=lsDFMAw5:/|@qS, S=EnvFromL/HdrFromL, R=EnvToL/HdrToL, T=DNS/RFC822/X-Unix, A=virtmda -f \$g -- \$u " "$output"
	run inside sh -c 'cd /etc/mail; echo "FEATURE(\`local_virtmda'"'"')dnl" | cat test.mc - | m4 - 2>&1 >/dev/null'
	[[ $output == *"FEATURE(\`local_virtmda') must come before MAILER(\`local')"* ]]
}
