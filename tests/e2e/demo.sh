#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make demo: three mail domains on one host, messages sent by SMTP, and where they went. As root
# a real sendmail does it on a private machine (machine.sh); otherwise virtmda is handed the
# messages itself, in a scratch directory, and what is left out is said. Nothing stays behind.
#
# Every command shown is run, and what it prints is shown as it is, except that a scratch
# directory's long name becomes ~. Exit status 1 if anything went otherwise than it should.
#
#   demo.sh [scratch]     scratch: as if there were no sendmail
set -eu

MACHINE_ROOT=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$MACHINE_ROOT/$BUILD ;; esac
# shellcheck source=tests/e2e/machine.sh
. "$MACHINE_ROOT/tests/e2e/machine.sh"
# shellcheck source=tests/e2e/scratch.sh
. "$MACHINE_ROOT/tests/e2e/scratch.sh"

work=$(mktemp -d)
trap 'machine_down; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
steps=0
step() {
	steps=$((steps + 1))
	printf '\n%s%d. %s%s\n\n' "$bold" "$steps" "$1" "$plain"
}
indent() { sed -e "s|$work/scratch|~|g" -e 's/^./   &/'; }

# show COMMAND-LINE [STATUS]: print it, run it where the demo takes place, print what it says and
# its exit status unless that is 0; anything but STATUS (0) fails the demo. In the scratch
# directory our programs need -C.
show() {
	line=$1
	[ "$place" = inside ] || line=$(printf '%s' "$line" | sed 's/^virt[a-z]*\|^mailpeek/& -C virtmda.conf/')
	printf '   %s$ %s%s\n' "$bold" "$line" "$plain"
	status=0
	"$place" sh -c "$line" >"$work/output" 2>&1 || status=$?
	indent <"$work/output"
	[ "$status" -eq 0 ] || printf '   (exit status %d)\n' "$status"
	verify "$line: exit status" "${2:-0}" "$status"
}

# verify NAME EXPECTED ACTUAL
verify() {
	[ "$2" = "$3" ] && return
	printf 'demo: %s: %s, not %s\n' "$1" "$3" "$2" >&2
	: >"$work/failed"
}

the_map() {
	cat <<-'EOT'
		# Two customers, each with a webmaster.
		webmaster@one.example     ann
		webmaster@two.example     bob
		sales+spring@one.example  bob
		sales@one.example         ann

		# Whatever else comes for one.example, and for anything below three.example.
		one.example               carol
		.three.example            dave

		dan@two.example           error:5.1.6:550 Dan has moved to dan@four.example
	EOT
}

# message FROM TO SUBJECT
message() {
	printf 'From: %s\nTo: %s\nSubject: %s\n\n' "$1" "$2" "$3"
	printf 'This was sent to %s. Whose mailbox is it in?\n' "$2"
}

machine_start() {
	place=inside
	echo "virtmda: three mail domains on one host, through a real sendmail on loopback."
	machine_up "$work"
	the_map | inside sh -c 'cat >/etc/virtmda/virtmaps'
	inside sh -c '
		echo "accounts = passwd-file:/etc/virtmda/accounts" >/etc/virtmda/virtmda.conf
		cat >/etc/virtmda/accounts' <<-'EOT'
		ann:x:20001:20001::/home/ann
		bob:x:20002:20002::/home/bob::userdb_mail=maildir:~/Maildir
		carol:x:20003:20003::/home/carol
		dave:x:20004:20004::/home/dave::userdb_mail=maildir:~/Maildir
	EOT
}

scratch_start() {
	place=scratch
	echo "virtmda: three mail domains on one host."
	echo "Without sendmail this time, which $1: virtmda is handed the messages itself."
	mkdir "$work/scratch"
	chmod 755 "$work"
	scratch_up "$work/scratch"
	the_map | scratch sh -c 'cat >virtmaps'
}

# The mail that comes in: virtmda's exit status for it, FROM TO SUBJECT, a line each.
the_mail() {
	cat <<-'EOT'
		0   alice@far.example      webmaster@one.example     The site is down
		0   alice@far.example      webmaster@two.example     The shop is slow
		0   alice@far.example      sales+spring@one.example  Your spring offer
		0   alice@far.example      whoever@one.example       To whom it may concern
		0   alice@far.example      www@eu.three.example      Certificate expires
		67  webmaster@one.example  nobody@two.example        Are you there?
		69  webmaster@one.example  dan@two.example           Lunch?
	EOT
}

send_by_smtp() {
	inside /usr/sbin/sendmail -bd
	printf '   The first message, as sendmail sees it arrive:\n\n'
	first=yes
	the_mail | while read -r want from to subject; do
		message "$from" "$to" "$subject" >"$work/message"
		if [ -n "$first" ]; then
			inside post.py -s "$from" "$to" <"$work/message" | indent
			printf '\n   And the others:\n\n'
			first=
		else
			inside post.py "$from" "$to" <"$work/message" && taken=accepted || taken=refused
			printf '   %-22s to %-25s %s\n' "$from" "$to" "$taken"
		fi
	done
}

hand_over() {
	the_mail | while read -r want from to subject; do
		message "$from" "$to" "$subject" | scratch sh -c 'cat >message'
		show "virtmda -f $from -- $to <message" "$want"
	done
}

counted() { "$place" sh -c "$1" | wc -l | tr -d ' '; }

lack=$(machine_lack)
[ "${1:-}" != scratch ] || lack="was not asked for"
if [ -z "$lack" ]; then
	machine_start
else
	scratch_start "$lack"
fi

step "The map says who is who"
the_map | indent
echo
show "virtmap build"

step "Ask it, before any mail moves"
show "virtmap resolve -v sales+autumn@one.example"
echo
for address in webmaster@one.example webmaster@two.example whoever@one.example; do
	show "virtmap resolve -q $address"
done
show "virtmap resolve -q nobody@two.example" 67

step "Mail comes in"
if [ "$place" = inside ]; then
	send_by_smtp
else
	hand_over
fi

step "Where it went"
show "mailpeek accounts"
for account in ann bob carol dave; do
	echo
	show "mailpeek list $account"
done

step "A message as it stands in its mailbox"
show "mailpeek raw carol 1"

if [ "$place" = inside ]; then
	step "What the sender hears about the two that could not be delivered"
	for number in 2 3; do
		show "mailpeek raw ann $number | grep -e ^5 -e ^Final -e ^Status"
	done

	step "What the log says of the catch-all and of a refusal"
	for address in whoever@one.example nobody@two.example; do
		inside grep -o "[^ ]*: to=<$address>.*" /run/log | grep -v mailer= | fold -s -w 88 | sed 's/ $//' | indent
	done
fi

# Told by the files themselves, not by our own tools.
if [ "$place" = inside ]; then
	verify "ann's mbox" 3 "$(counted 'grep "^From " /var/mail/ann')"
	verify "bob's Maildir" 2 "$(counted 'find /home/bob/Maildir/new -type f')"
	verify "carol's mbox" 1 "$(counted 'grep "^From " /var/mail/carol')"
	verify "dave's Maildir" 1 "$(counted 'find /home/dave/Maildir/new -type f')"
	verify "sendmail's queue" 0 "$(counted 'ls /var/spool/mqueue')"
	verdict="5 messages delivered, 2 returned to their sender, none lost, none left in the queue."
else
	verify "ann's mbox" 1 "$(counted 'grep "^From " ann/mbox')"
	verify "bob's Maildir" 2 "$(counted 'find bob/Maildir/new -type f')"
	verify "carol's mbox" 1 "$(counted 'grep "^From " carol/mbox')"
	verify "dave's Maildir" 1 "$(counted 'find dave/Maildir/new -type f')"
	verdict="5 messages delivered, 2 refused."
fi
[ ! -e "$work/failed" ] || exit 1
printf '\n%s\nAll of it happened in memory and in temporary files, and is gone now.\n' "$verdict"
