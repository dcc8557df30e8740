#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmap check beside a real sendmail: what it reads out of the configuration that the sample
# makes is what sendmail itself answers in its address test mode.

load helpers

setup_file() { machine; }
teardown_file() { machine_down; }

setup() {
	needs_machine
	rm -f "$BATS_TEST_TMPDIR/cf"
	inside sh -c 'rm -f /etc/virtmda/virtmda.conf; m4 /etc/mail/test.mc >/etc/mail/sendmail.cf; : >/etc/mail/local-host-names'
	write /etc/virtmda/virtmaps <<-'EOT'
		ann@one.example  ann
		@two.example     bob
		.deep.example    carol
	EOT
	inside virtmap build
}

# said: the findings with their lines, a line each.
said() { inside virtmap check | sed -n 's/^\(.*\): [a-z]*: .*\[\(.*\)\]$/\1 \2/p'; }

# goes DOMAIN: the mailer to which sendmail gives mail for it.
goes() { printf '3,0 x@%s\n' "$1" | inside /usr/sbin/sendmail -bt | sed -n 's/^parse *returns: *\$# \([a-z]*\).*/\1/p'; }

@test "the sample's sendmail.cf and a map that was built: nothing to say" {
	run inside virtmap check
	is 0 "$status"
	is "/etc/virtmda/virtmaps: 3 mappings, 0 errors, 0 warnings" "$output"
	is virtmda "$(goes one.example)"
	is virtmda "$(goes a.b.deep.example)"
}

@test "a domain that sendmail does not send to virtmda is named, and no other" {
	inside sh -c 'sed -i /^two.example/d /etc/virtmda/domains'
	is "$(printf '%s\n' '/etc/virtmda/domains domains-file' '/etc/virtmda/virtmaps:2 unaccepted-domain')" "$(said)"
	is virtmda "$(goes one.example)"
	is esmtp "$(goes two.example)"
	# In class w it is accepted, though not for virtmda's sake.
	echo two.example | write /etc/mail/local-host-names
	is "/etc/virtmda/domains domains-file" "$(said)"
	is local "$(goes two.example)"
}

@test "another file for the class, as FEATURE's argument" {
	inside sh -c 'sed "s|^FEATURE(.virtmap.)|FEATURE(\`virtmap'"'"', \`/etc/virtmda/other'"'"')|" /etc/mail/test.mc >/run/t.mc; m4 /run/t.mc >/etc/mail/sendmail.cf'
	inside grep -q 'F{VirtMap}-o /etc/virtmda/other' /etc/mail/sendmail.cf
	is "$(printf '%s\n' '/etc/mail/sendmail.cf domains-elsewhere' /etc/virtmda/virtmaps:{1,2,3}' unaccepted-domain')" "$(said)"
	is esmtp "$(goes one.example)"
	inside cp /etc/virtmda/domains /etc/virtmda/other
	is "/etc/mail/sendmail.cf domains-elsewhere" "$(said)"
	is virtmda "$(goes one.example)"
	inside rm /etc/virtmda/other
}

@test "a configuration without virtmda" {
	inside sh -c 'sed "/virtm/d" /etc/mail/sendmail.mc >/run/t.mc; m4 /run/t.mc >/etc/mail/sendmail.cf'
	is "/etc/mail/sendmail.cf no-mailer" "$(said)"
	is esmtp "$(goes one.example)"
}

@test "the host's own name stays with sendmail" {
	map <<-'EOT'
		root@mail.test.example ann
		root@localhost         ann
		ann@one.example        ann
	EOT
	is "$(printf '%s\n' '/etc/virtmda/virtmaps:1 own-host' '/etc/virtmda/virtmaps:2 own-host')" "$(said)"
	is local "$(goes mail.test.example)"
	is local "$(goes localhost)"
	is virtmda "$(goes one.example)"
}

@test "a list of domains that others may put another in place of: sendmail does not read it" {
	inside sh -c 'mkdir -p /etc/lists && cp /etc/virtmda/domains /etc/lists/ && chmod 777 /etc/lists'
	inside sh -c 'sed "s|^FEATURE(.virtmap.)|FEATURE(\`virtmap'"'"', \`/etc/lists/domains'"'"')|" /etc/mail/test.mc >/run/t.mc; m4 /run/t.mc >/etc/mail/sendmail.cf'
	echo 'domains = /etc/lists/domains' | settings
	run inside virtmap check
	is 65 "$status"
	[[ $output == *"/etc/lists/domains: error: /etc/lists can be written by others, so root does not trust it [untrusted-file]"* ]]
	is esmtp "$(goes one.example)"
	inside chmod 755 /etc/lists
	is "" "$(said)"
	is virtmda "$(goes one.example)"
}
