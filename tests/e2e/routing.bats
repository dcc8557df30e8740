#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The m4 files: which addresses sendmail gives to virtmda, and what the macros do to its
# mailer line. sendmail itself answers, in its address test mode; no mail moves.

load helpers

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	# Only domains, no map: here it is the class that is tested.
	write /etc/virtmda/domains <<-'EOT'
		one.example
		TWO.Example
		.deep.example
		x-y.dash.example
		named.example
		xn--bcher-kva.example
		.test.example
	EOT
	printf 'named.example\nlists.test.example\n' | write /etc/mail/local-host-names
}

teardown_file() { machine_down; }
setup() { needs_machine; }

# resolved ADDRESS...: what ruleset 0 makes of each, a line each: "virtmda USER@DOMAIN" or
# "MAILER …", blanks between tokens taken out.
resolved() {
	printf '3,0 %s\n' "$@" | inside /usr/sbin/sendmail -bt |
		sed -n 's/^parse *returns: *//p' |
		sed -E -e 's/^\$# ([a-z]+) (\$@ .* )?\$: /\1:/' -e '/^error/!s/ //g' -e 's/:/ /'
}

goes_to_virtmda() {
	local address
	for address in "$@"; do
		is "virtmda ${address%.}" "$(resolved "$address")" "$address"
	done
}

# cf [LINE]...: a configuration like the sample's with more lines before MAILER(`virtmda').
cf() {
	inside sh -c '
		cd /etc/mail
		sed "/^MAILER(\`virtmda/,\$d" sendmail.mc >/run/t.mc
		printf "%s\n" "$@" "MAILER(\`virtmda'"'"')dnl" >>/run/t.mc
		m4 /run/t.mc' cf "$@"
}
mailer_line() { cf "$@" | sed -n '/^Mvirtmda/,/A=/p' | tr -s '\t\n' ' '; }

@test "the sample generates a configuration without a word of complaint" {
	run inside sh -c 'm4 /etc/mail/sendmail.mc 2>&1 >/dev/null'
	is 0 "$status"
	is "" "$output"
	run inside sh -c '/usr/sbin/sendmail -bt </dev/null 2>&1 | grep -i -e warning -e unknown -e error -e line'
	is "" "$output"
}

@test "addresses in domains of the map go to virtmda whole" {
	goes_to_virtmda bob@one.example bob@two.example Bob+Lists@ONE.example a+b+c@one.example \
		bob@one.example. x@x-y.dash.example x@xn--bcher-kva.example -oops@one.example
}

@test "a .domain takes subdomains at any depth, and neither itself nor its look-alikes" {
	goes_to_virtmda bob@a.deep.example bob@c.b.a.deep.example
	is "esmtp bob<@deep.example.>" "$(resolved bob@deep.example)"
	is "esmtp bob<@xdeep.example.>" "$(resolved bob@xdeep.example)"
	is "esmtp bob<@a.deep.example.org.>" "$(resolved bob@a.deep.example.org)"
}

@test "an exact domain does not take its subdomains or look-alikes" {
	is "esmtp bob<@sub.one.example.>" "$(resolved bob@sub.one.example)"
	is "esmtp bob<@xone.example.>" "$(resolved bob@xone.example)"
	is "esmtp bob<@y.dash.example.>" "$(resolved bob@y.dash.example)"
	is "esmtp bob<@three.example.>" "$(resolved bob@three.example)"
}

@test "this host's own names stay sendmail's, also below a .domain of the map" {
	local address
	for address in root root@localhost root@mail.test.example root@lists.test.example 'root@[127.0.0.1]'; do
		is "local root" "$(resolved "$address")" "$address"
	done
	goes_to_virtmda root@other.test.example
}

@test "an exact domain of the map goes to virtmda though it stands in local-host-names" {
	goes_to_virtmda root@named.example
}

@test "quoted local parts, per cent signs and paths arrive as they are" {
	goes_to_virtmda ../../etc/x@one.example '"a@b"@one.example' '"root,x"@one.example' '"|/bin/sh"@one.example' \
		'a%b.example@one.example'
}

@test "source routes and bang paths lead to the last domain" {
	is "virtmda bob@two.example" "$(resolved '<@one.example:bob@two.example>')"
	is "virtmda bob@two.example" "$(resolved '<@relay.example,@one.example:bob@two.example>')"
	is "virtmda bob@one.example" "$(resolved 'one.example!bob')"
}

@test "no user part is no address" {
	[[ $(resolved '@one.example') == error*'User address required'* ]] || is "an error" "$(resolved @one.example)"
}

@test "without the file of domains sendmail starts, and the class is empty" {
	inside mv /etc/virtmda/domains /etc/virtmda/away
	run resolved bob@one.example
	inside mv /etc/virtmda/away /etc/virtmda/domains
	is "esmtp bob<@one.example.>" "$output"
}

@test "another file of domains is FEATURE's argument" {
	echo elsewhere.example | write /etc/virtmda/others
	inside sh -c 'sed "s|FEATURE(.virtmap.)|FEATURE(\`virtmap'"'"', \`/etc/virtmda/others'"'"')|" /etc/mail/test.mc | m4 >/run/o.cf'
	run inside sh -c 'echo "3,0 bob@elsewhere.example" | /usr/sbin/sendmail -bt -C/run/o.cf'
	[[ $output == *'$# virtmda'* ]]
}

@test "relaying is allowed to domains of the map and to no others" {
	relay_of() {
		echo "Rcpt_ok bob@$1" | inside /usr/sbin/sendmail -bt | sed -n 's/^Rcpt_ok *returns: *//p'
	}
	is RELAY "$(relay_of one.example)"
	is RELAY "$(relay_of a.deep.example)"
	is "bob < @ three . example >" "$(relay_of three.example)"
}

@test "a list of domains in a directory that others may write counts as none" {
	inside chmod o+w /etc/virtmda
	run resolved bob@one.example
	inside chmod o-w /etc/virtmda
	is "esmtp bob<@one.example.>" "$output"
}

@test "the mailer line: defaults" {
	is "Mvirtmda, P=/usr/local/sbin/virtmda, F=lsDFMShn, S=EnvFromVirtmda/HdrFromL, R=EnvToL/HdrToL, T=DNS/RFC822/X-Unix, A=virtmda -f \$g -Q \$i -- \$u " \
		"$(mailer_line)"
}

@test "the mailer line: every macro" {
	is "Mvirtmda, P=/opt/virtmda, F=lsDFMS, S=EnvFromVirtmda/HdrFromL, R=EnvToL/HdrToL, M=1000, W=10m, r=1, C=utf-8, T=DNS/RFC822/X-Unix, Q=slow, A=virtmda -v -f \$g -- \$u " \
		"$(mailer_line "define(\`VIRTMDA_MAILER_PATH', \`/opt/virtmda')" "define(\`VIRTMDA_MAILER_FLAGS', \`S')" \
			"define(\`VIRTMDA_MAILER_MAX', \`1000')" "define(\`VIRTMDA_MAILER_WAIT', \`10m')" \
			"define(\`VIRTMDA_MAILER_MAXRCPTS', \`1')" "define(\`VIRTMDA_MAILER_CHARSET', \`utf-8')" \
			"define(\`VIRTMDA_MAILER_QGRP', \`slow')" "define(\`VIRTMDA_MAILER_ARGS', \`virtmda -v -f \$g -- \$u')")"
}

@test "the mailer line: MODIFY_MAILER_FLAGS adds and takes away" {
	[[ $(mailer_line "MODIFY_MAILER_FLAGS(\`VIRTMDA', \`+9q')") == *' F=lsDFMShn9q,'* ]]
	[[ $(mailer_line "MODIFY_MAILER_FLAGS(\`VIRTMDA', \`-D')") == *' F=lsFMShn,'* ]]
}

@test "sendmail takes every one of these lines" {
	cf "define(\`VIRTMDA_MAILER_MAX', \`1000')" "define(\`VIRTMDA_MAILER_WAIT', \`10m')" \
		"define(\`VIRTMDA_MAILER_MAXRCPTS', \`1')" "define(\`VIRTMDA_MAILER_CHARSET', \`utf-8')" \
		"MODIFY_MAILER_FLAGS(\`VIRTMDA', \`+9')" | write /run/all.cf
	run inside sh -c 'echo =M | /usr/sbin/sendmail -bt -C/run/all.cf 2>&1'
	[[ $output == *'(virtmda): P=/usr/local/sbin/virtmda'*'M=1000'*'F=9DFMShlns'*'C=utf-8'*'r=1 '* ]] || is "a mailer with M=, C= and r=" "$output"
	[[ $output != *line* ]]
}

@test "mistakes in the .mc file are named" {
	run inside sh -c 'printf "include(\`/usr/share/sendmail/cf/m4/cf.m4'"'"')OSTYPE(\`linux'"'"')MAILER(\`virtmda'"'"')MAILER(\`smtp'"'"')" | m4 2>&1 >/dev/null'
	[[ $output == *"MAILER(\`virtmda') must come after MAILER(\`local') and MAILER(\`smtp')"* ]]
	run inside sh -c 'sed "/^MAILER(.virtmda/d" /etc/mail/sendmail.mc | m4 2>&1 >/dev/null'
	[[ $output == *"FEATURE(\`virtmap') needs MAILER(\`virtmda')"* ]]
}
