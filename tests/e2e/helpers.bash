# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the end-to-end tests say: a private machine a file (machine.sh), a map, mail going in
# by SMTP, mailboxes read by strangers. Every test starts with empty mailboxes and an
# empty queue; what a test has broken it repairs, or `setup` does.

MACHINE_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$MACHINE_ROOT/$BUILD ;; esac
# shellcheck source=tests/e2e/machine.sh
. "$MACHINE_ROOT/tests/e2e/machine.sh"

# For setup_file: a machine with virtmda's defaults; or LACK says why there can be none, and
# every test's `setup` skips it (bats 1.8 cannot skip a file as a whole).
machine() {
	LACK=$(machine_lack)
	export LACK
	[ -z "$LACK" ] || return 0
	[ -x "$BUILD/virtmda" ] || {
		echo "no programs in $BUILD: run make first" >&2
		return 1
	}
	machine_up "$BATS_FILE_TMPDIR"
	export MACHINE_PID
}

needs_machine() { [ -z "$LACK" ] || skip "$LACK"; }

# write FILE: standard input becomes FILE in the machine.
write() { inside sh -c 'cat >"$1"' write "$1"; }

# map: standard input becomes the map, compiled; sendmail is restarted if it named other
# domains.
map() {
	write /etc/virtmda/virtmaps
	inside cp /etc/virtmda/domains /run/domains 2>/dev/null || inside touch /run/domains
	inside virtmap build
	inside cmp -s /etc/virtmda/domains /run/domains || sendmail_restart
}

settings() { write /etc/virtmda/virtmda.conf; }

sendmail_restart() {
	sendmail_stop
	inside /usr/sbin/sendmail -bd
}

sendmail_stop() {
	inside sh -c '
		pid=$(head -n 1 /run/sendmail/mta/sendmail.pid 2>/dev/null) || exit 0
		kill "$pid" 2>/dev/null
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
		rm -f /run/sendmail/mta/sendmail.pid'
}

# configure LINE...: sendmail with these lines behind FEATURE(`virtmap').
configure() {
	inside sh -c '
		cd /etc/mail
		printf "%s\n" "$@" >/run/lines
		sed "/^FEATURE(.virtmap/r /run/lines" test.mc | m4 - >sendmail.cf' configure "$@"
	sendmail_restart
}

# serve: virtmap serve in the background, at the socket where it is looked for; serve_stop ends it.
serve() {
	inside sh -c '
		mkdir -p /run/virtmda
		virtmap serve -s unix:/run/virtmda/socket >/dev/null 2>>/run/log </dev/null 3>&- &
		echo $! >/run/serve.pid
		for i in $(seq 100); do
			[ ! -S /run/virtmda/socket ] || exit 0
			sleep 0.05
		done
		exit 1'
}

serve_stop() {
	inside sh -c '
		read -r pid 2>/dev/null </run/serve.pid || exit 0
		kill "$pid" 2>/dev/null
		while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
		rm -f /run/serve.pid'
}

# Empty mailboxes, queue and log: the start of every test.
clean() {
	needs_machine
	inside sh -c '
		umount /home/mail 2>/dev/null
		rm -rf /var/mail/* /var/spool/mqueue/* /home/*/* /home/*/.[!.]* /home/mail
		: >/run/log'
}

# post SENDER RECIPIENT... <MESSAGE: by SMTP; sendmail has tried to deliver when it returns.
post() { inside post.py "$@"; }

# letter SUBJECT: a small message.
letter() { printf 'From: Ann <ann@one.example>\nSubject: %s\n\nThis is %s.\n' "$1" "$1"; }

# send SUBJECT SENDER RECIPIENT...
send() {
	local subject=$1
	shift
	letter "$subject" | post "$@"
}

queued() { inside sh -c 'ls /var/spool/mqueue | grep -c ^qf' || true; }
# Its exit status is that of the last delivery; what counts is what became of the queue.
# In a session of its own, as a daemon's queue run is.
run_queue() { inside setsid -w /usr/sbin/sendmail -qf || true; }

# Mailboxes, by account: count ann, body ann 1, header ann 1 Subject, headers ann Subject. MAIL is
# where they are; %u stands for the account.
MAIL='mbox:/var/mail/%u'
reader() {
	local account=$1
	shift
	inside readers.py "$account" "${MAIL//%u/$account}" "$@"
}
count() { reader "$1" count; }
body() { reader "$1" body "$2"; }
header() { reader "$1" header "$2" "$3"; }
headers() { reader "$1" headers "$2"; }

# is EXPECTED ACTUAL [WHAT]
is() {
	[ "$1" = "$2" ] && return
	printf '%s\n  expected: %s\n  is:       %s\n' "${3:-different}" "$1" "$2" >&2
	inside cat /run/log >&2 2>/dev/null || true
	return 1
}

# nothing_but ACCOUNT...: no mailbox but these exists and nothing is queued.
nothing_but() {
	is "$(printf '%s\n' "$@" | sort)" "$(inside ls -A /var/mail)" "mailboxes"
	is 0 "$(queued)" "messages in the queue"
}

# deferred: the one message is in the queue, and nobody has been told that it failed.
deferred() {
	is 1 "$(queued)" "messages in the queue"
	logged 'mailer=virtmda.*stat=Deferred'
	unlogged 'DSN: '
}

# logged PATTERN, unlogged PATTERN: is there such a line in the log?
logged() { inside grep -q "$1" /run/log || is "a line like $1" "no such line"; }
unlogged() { is "" "$(inside grep "$1" /run/log)" "lines like $1"; }
