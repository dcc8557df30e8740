#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# An ordinary user tries it out: no root, no sendmail, nothing outside one directory.

MACHINE_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$MACHINE_ROOT/$BUILD ;; esac
load scratch.sh

setup() {
	# Not below bats' own directory: as root, an ordinary user could not get there.
	SCRATCH=$(mktemp -d)
	scratch_up "$SCRATCH"
	scratch sh -c 'cat >virtmaps' <<-'EOT'
		ann@one.example        ann
		webmaster@one.example  carol
		one.example            bob
		webmaster@two.example  dave
		gone@two.example       error:5.7.1:550 Gone fishing
		busy@two.example       error:tempfail Later
		void@two.example       discard:
	EOT
	scratch virtmap -C virtmda.conf build
}

teardown() { rm -rf "$SCRATCH"; }

# deliver RECIPIENT: virtmda's exit status is left in $status.
deliver() {
	run scratch virtmda -C virtmda.conf -f sender@three.example -- "$1" <<<$'Subject: hello\n\ntext'
}

# ends_with STATUS: so did the last `run`.
ends_with() {
	[ "$status" -eq "$1" ] || {
		printf 'exit status %d, not %d: %s\n' "$status" "$1" "$output"
		return 1
	}
}

@test "a message into an mbox" {
	deliver webmaster@one.example
	ends_with 0
	grep -qx 'Delivered-To: webmaster@one.example' "$SCRATCH/carol/mbox"
	grep -qx 'text' "$SCRATCH/carol/mbox"
	[ "$(grep -c '^From ' "$SCRATCH/carol/mbox")" -eq 1 ]
}

@test "a message into a Maildir, by the catch-all" {
	deliver anybody@one.example
	ends_with 0
	[ "$(find "$SCRATCH/bob/Maildir/new" -type f | wc -l)" -eq 1 ]
	grep -qx 'Delivered-To: anybody@one.example' "$SCRATCH"/bob/Maildir/new/*
}

@test "each answer has its exit status, from virtmda and from virtmap resolve" {
	local recipient want
	while read -r recipient want; do
		deliver "$recipient"
		ends_with "$want"
		run scratch virtmap -C virtmda.conf resolve -q -- "$recipient"
		ends_with "$want"
	done <<-'EOT'
		ann@one.example 0
		void@two.example 0
		nobody@two.example 67
		gone@two.example 69
		busy@two.example 75
		someone@elsewhere.example 75
	EOT
	[ ! -e "$SCRATCH/ann/mbox" ] || [ "$(grep -c '^From ' "$SCRATCH/ann/mbox")" -eq 1 ]
}

@test "what was delivered is what mailpeek shows" {
	deliver ann@one.example
	run scratch mailpeek -C virtmda.conf list ann
	ends_with 0
	[[ $output == *hello* ]]
	run scratch mailpeek -C virtmda.conf raw ann 1
	ends_with 0
	[[ $output == *text* ]]
}

@test "nothing outside the scratch directory, and no lock left inside" {
	deliver webmaster@one.example
	deliver webmaster@two.example
	[ -z "$(find "$SCRATCH" -name '*.lock' ! -name 'virtmaps*')" ]
	[ -z "$(find "$SCRATCH/spool" -type f)" ]
	[ -z "$(find "$SCRATCH/dave/Maildir/tmp" -type f)" ]
}

@test "an account of another user's is refused for now, not bounced" {
	scratch sh -c 'sed -i "s/^carol:x:[0-9]*:/carol:x:12345:/" accounts'
	deliver webmaster@one.example
	ends_with 75
	[ ! -e "$SCRATCH/carol/mbox" ]
}

@test "what goes on is handed to the user's own sendmail" {
	cat >"$SCRATCH/bin/take" <<-'EOT'
		#!/usr/bin/python3
		import os, sys
		def say(text): print(text, end="\r\n", flush=True)
		out = open(os.path.dirname(os.path.dirname(sys.argv[0])) + "/spool/taken", "w")
		say("220 here")
		data = False
		for line in sys.stdin:
		    line = line.rstrip("\r\n")
		    print(line, file=out, flush=True)
		    if not data or line == ".": say("354 go" if line == "DATA" else "250 ok")
		    data = line == "DATA" or (data and line != ".")
	EOT
	chmod 755 "$SCRATCH/bin/take"
	scratch sh -c 'echo "far@one.example friend@far.example" >>virtmaps; echo "sendmail = $PWD/bin/take" >>virtmda.conf'
	scratch virtmap -C virtmda.conf build
	deliver far@one.example
	ends_with 0
	grep -qx 'RCPT TO:<friend@far.example>' "$SCRATCH/spool/taken"
	grep -qx 'Delivered-To: far@one.example' "$SCRATCH/spool/taken"
	grep -q 'stat=Forwarded (ok)' "$SCRATCH/log"
}
