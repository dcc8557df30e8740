#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailpeek verify: every finding made to appear, none where nothing is wrong, whoever has used the
# mailbox. Works for any user.

bats_require_minimum_version 1.5.0

load peek
load findings

# found WANT FILE[:OFFSET] SEVERITY NAME TEXT: verify says this, and ends with WANT.
found() {
	run "-$1" --separate-stderr peek verify
	grep -F "$SCRATCH/$2: $3: " <<<"$output" | grep -qF "$5 [$4]" || {
		printf 'no %s: %s [%s] in:\n%s\n%s\n' "$2" "$5" "$4" "$output" "$stderr" >&2
		return 1
	}
}

# clean: verify says nothing at all.
clean() {
	run --separate-stderr peek verify
	is "0 4 accounts, 0 errors, 0 warnings" "$status $output$stderr"
}

# private FILE: standard input becomes FILE, which only its account may read.
private() { scratch sh -c 'umask 077 && cat >"$1"' private "$1"; }

# maildir: bob's, with one message.
maildir() {
	scratch sh -c 'umask 077; mkdir -p bob/Maildir/new bob/Maildir/cur bob/Maildir/tmp
		printf "Subject: x\n\nbody\n" >"bob/Maildir/cur/1000000001.a.host,S=17:2,S"'
}

# unread TEXT: `letters 2`, and behind them TEXT as printf has it.
behind() {
	# shellcheck disable=SC2059
	{ letters 2; printf "$1"; } | private ann/mbox
}

# ---- nothing wrong -----------------------------------------------------------------------------

@test "mailboxes that are missing, empty or just delivered have no findings" {
	clean
	: | private ann/mbox
	clean
	scratch sh -c 'echo "one.example ann" >virtmaps; echo "two.example bob" >>virtmaps; virtmap -C virtmda.conf build' >/dev/null
	local n
	for n in '\n' 'Subject: x' 'From: a\n\nbody\n' 'From: a\n\nFrom here\n\nFrom a@b Thu Jan  1 00:00:00 1970\nSubject: y\n' 'S: x\n\nnul \0 in\n'; do
		# shellcheck disable=SC2059
		printf "$n" | scratch virtmda -C virtmda.conf -o quota=storage=1M -f s@x.example -- a@one.example
		# shellcheck disable=SC2059
		printf "$n" | scratch virtmda -C virtmda.conf -o quota=storage=1M -o detail_folders=create -f s@x.example -- a@two.example
	done
	clean
	run -0 peek list ann
	is 6 "${#lines[@]}"
}

@test "mailboxes that Dovecot, mutt and Python have used have no findings" {
	python fill ann/mbox bob/Maildir 11 30
	scratch rm -rf ann/mbox bob/Maildir
	scratch sh -c 'echo "one.example ann" >virtmaps; echo "two.example bob" >>virtmaps; virtmap -C virtmda.conf build' >/dev/null
	local n program location status=0
	for ((n = 1; n <= 12; n++)); do
		for program in one two; do
			printf 'From: a@b.example\nSubject: letter %d\n\nFrom here\n\nFrom there\n' "$n" |
				scratch virtmda -C virtmda.conf -f s@x.example -- "a@$program.example"
		done
	done
	cp "$BATS_TEST_DIRNAME/wear.py" "$SCRATCH/bin/"
	for program in dovecot mutt python dovecot mutt; do
		for location in mbox:ann/mbox maildir:bob/Maildir; do
			[ "$program" != mutt ] || location=${location#*:}
			scratch sh -c 'umask 077; exec wear.py "$1" "$2"' wear "$program" "${location/:/:$SCRATCH/}" || status=$?
			[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
			# Only Dovecot keeps it up.
			[ "$program" = dovecot ] || scratch rm -f bob/Maildir/maildirsize
			run --separate-stderr peek verify
			is "0 4 accounts, 0 errors, 0 warnings" "$status $(grep -v '\[unquoted-from\]$\|^    ' <<<"${output%, * note*}")$stderr" ||
				{ echo "after $program $location" >&2; return 1; }
		done
	done
}

# ---- in the mailbox's place ----------------------------------------------------------------------

@test "links, special files and other formats" {
	scratch ln -s /etc/passwd ann/mbox
	scratch mkfifo carol/mbox
	scratch ln -s "$SCRATCH/ann" bob/Maildir
	scratch touch dave/Maildir
	found 1 ann/mbox error symbolic-link "a symbolic link stands in the place of a file"
	found 1 carol/mbox error wrong-type "a FIFO stands in the place of a file"
	found 1 bob/Maildir error symbolic-link "a symbolic link stands in the place of a directory"
	found 1 dave/Maildir error wrong-type "a file stands in the place of a directory"
	scratch rm carol/mbox dave/Maildir bob/Maildir ann/mbox
	scratch mkdir -m 700 dave/Maildir
	printf 'Dear all,\n\n' | private ann/mbox
	found 1 ann/mbox:0 error wrong-format "it does not begin with a From_ line"
	found 1 dave/Maildir error wrong-format "it holds neither new nor cur"
	maildir
	scratch ln -s ../cur dave/Maildir/cur
	scratch sh -c 'rmdir bob/Maildir/tmp; touch bob/Maildir/tmp'
	found 1 dave/Maildir/cur error symbolic-link "a symbolic link stands in the place of a directory"
	found 1 bob/Maildir/tmp error wrong-type "a file stands in the place of a directory"
}

@test "modes and second names" {
	letters 1 | private ann/mbox
	letters 1 | private carol/mbox
	maildir
	scratch chmod 622 ann/mbox
	scratch ln carol/mbox carol/second
	scratch chmod 0500 bob/Maildir/new
	found 1 ann/mbox error wrong-mode "its mode 0622 lets everybody write"
	found 1 carol/mbox error hard-links "it has 2 names instead of one"
	found 1 bob/Maildir/new error wrong-mode "its mode 0500 keeps its owner out"
	scratch chmod 0 ann/mbox
	scratch chmod 0 bob/Maildir/cur
	found 1 ann/mbox error unreadable "its account may not read it"
	found 1 bob/Maildir/cur error unreadable "its account may not read it"
	scratch sh -c 'chmod 644 ann/mbox; chmod 700 bob/Maildir/*; chmod 644 bob/Maildir/cur/*; chmod 755 bob/Maildir/cur bob/Maildir'
	found 1 ann/mbox warning exposed "its mode 0644 lets everybody read it"
	found 1 "bob/Maildir/cur/1000000001.a.host,S=17:2,S" warning exposed "its mode 0644 lets everybody read it"
	# Nobody comes as far.
	scratch sh -c 'chmod 700 ann bob; rm carol/second'
	clean
}

@test "other owners" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	letters 1 | private ann/mbox
	maildir
	chown 12345 "$SCRATCH/ann/mbox" "$SCRATCH"/bob/Maildir/cur/*
	found 1 ann/mbox error wrong-owner "it belongs to uid 12345 instead of 65534"
	found 1 "bob/Maildir/cur/1000000001.a.host,S=17:2,S" error wrong-owner "it belongs to uid 12345 instead of 65534"
	found 1 ann/mbox error unreadable "its account may not read it"
}

# ---- mbox --------------------------------------------------------------------------------------

@test "a torn tail, unless somebody writes it" {
	local at
	at=$(letters 2 | wc -c)
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n\nhalf a li'
	found 1 "ann/mbox:$at" error torn-tail "the last message ends within a line, at byte $((at + 55))"
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n'
	found 1 "ann/mbox:$at" error torn-tail "the last message ends within its header, at byte $((at + 45))"
	behind 'From a@b Thu Ja'
	found 1 ann/mbox:"$(letters 1 | wc -c)" error torn-tail "the last message ends within a line, at byte $((at + 15))"
	scratch sh -c 'echo $$ >ann/mbox.lock; exec touch -d @1000 ann/mbox'
	touch "$SCRATCH/ann/mbox.lock"
	scratch sh -c 'touch ann/mbox'
	run -0 peek verify ann
	[[ $output == *"[locked]"*"1 account, 0 errors, 0 warnings, 1 note" ]]
}

@test "a tail torn at the end of a line: within its parts, by its delivery's word, or perhaps" {
	local at letter='From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n'
	at=$(letters 2 | wc -c)
	behind "${letter}\na line\n"
	found 1 "ann/mbox:$at" warning open-end "the last message ends without an empty line, at byte $((at + 53))"
	behind "${letter}Content-Length: 7\n\na line\n"
	clean
	letter+='Content-Type: multipart/mixed;\n\tcharset="a;boundary=b"; Boundary="b b"\n\n--b b\n\na line\n'
	behind "$letter"
	found 1 "ann/mbox:$at" error torn-tail "the last message ends within its parts, at byte $(wc -c <"$SCRATCH/ann/mbox")"
	behind "$letter--b b--\n\n"
	clean
	behind "$letter--b b--\n"
	found 1 "ann/mbox:$at" warning open-end "the last message ends without an empty line, at byte $(wc -c <"$SCRATCH/ann/mbox")"
	# Its delivery has left word of how long it was to be: 500 bytes.
	behind "$(printf %s "$letter" | head -c 34)"'a line\n\n'
	left_behind ann/mbox "$at" 500
	found 1 "ann/mbox:$at" error torn-tail "of the last message $(($(wc -c <"$SCRATCH/ann/mbox") - at)) of 500 bytes are there, as its delivery's lock file says"
	[[ $output == *"[stale-lock]"* ]]
	# Another has appended since: nothing is proven.
	letters 1 | scratch sh -c 'cat >>ann/mbox'
	run -1 peek verify ann
	[[ $output != *torn-tail* ]]
}

@test "parts without an end" {
	local n=0 type
	for type in 'multipart/mixed; boundary=b' 'Multipart/alternative; x="\";boundary=c"; BOUNDARY="b"; y=z' 'multipart/mixed;boundary=b'$'\r'; do
		behind "From a@b Thu Jan  1 00:00:03 1970\nSubject: x\nContent-type: ${type//\\/\\\\}\n\n--b\n\na line\n\n"
		found 0 "ann/mbox:$(letters 2 | wc -c)" note open-parts "a message of several parts without the line that ends them"
	done
	# No parts, no boundary, or none that is understood.
	for type in 'text/plain; boundary=b' 'multipart/mixed' 'multipart/mixed; boundary=' 'multipart/mixed; boundary="b\\"' 'multipart/mixed; boundary="b' "multipart/mixed; boundary=$(printf '%071d' 0)"; do
		behind "From a@b Thu Jan  1 00:00:03 1970\nSubject: x\nContent-type: ${type//\\/\\\\}\n\n--b\n\na line\n\n"
		clean
	done
	scratch rm ann/mbox
	maildir
	# The end is far from the end of the file, or across a border of what is read at a time.
	for n in 0 65480 65520 200000; do
		{ printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n'; head -c "$n" /dev/zero | tr '\0' x; printf '\n--b--\n'; head -c 100000 /dev/zero | tr '\0' '\n'; } |
			private "bob/Maildir/cur/$n.whole"
	done
	clean
	printf 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhalf' | private bob/Maildir/cur/5.cut
	found 0 bob/Maildir/cur/5.cut note open-parts "a message of several parts without the line that ends them"
	# With the size that its name says it is whole.
	scratch sh -c 'cd bob/Maildir/cur; mv 5.cut "5.cut,S=$(wc -c <5.cut)"'
	clean
}

@test "messages glued together, after a line or within one" {
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n\nhalf a lineFrom c@d Thu Jan  1 00:00:04 1970\nSubject: y\n\nbody\n\n'
	found 1 "ann/mbox:$(($(letters 2 | wc -c) + 57))" error glued-message "a message begins here in the middle of another's line"
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n\na line\nFrom c@d Thu Jan  1 00:00:04 1970\nSubject: y\n\nbody\n\n'
	found 1 "ann/mbox:$(($(letters 2 | wc -c) + 53))" error glued-message "a message begins here without an empty line before it"
	# Quoted, quoted in a reply, told, in a header.
	behind 'From a@b Thu Jan  1 00:00:03 1970\nX: From c@d Thu Jan  1 00:00:04 1970\nSubject: x\n\n>From c@d Thu Jan  1 00:00:04 1970\nS: y\n> From c@d Thu Jan  1 00:00:04 1970\n> S: y\nsaid From c@d Thu Jan  1 00:00:04 1970\n\n'
	clean
}

@test "From_ lines that cannot be read, and lines that look like some" {
	printf 'From a@b yesterday\nSubject: x\n\nbody\n\n' | private ann/mbox
	found 1 ann/mbox:0 error bad-from-line "the first From_ line has no date that can be read"
	behind 'From a@b 1 Jan 1970\nSubject: x\n\nbody\n\n'
	found 1 "ann/mbox:$(letters 2 | wc -c)" error bad-from-line "a message seems to begin here, but its From_ line has no date that can be read"
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n\nFrom here on\n\n'
	found 0 "ann/mbox:$(($(letters 2 | wc -c) + 46))" note unquoted-from 'a line of a message begins with "From " and is not quoted'
	# With a length that leads to the end nothing needs quotes.
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\nContent-Length: 14\n\nFrom here on.\n\n'
	clean
}

@test "a length that does not lead to the end" {
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\nContent-Length: 2\n\nbody\n\n'
	found 1 "ann/mbox:$(letters 2 | wc -c)" warning wrong-length "its Content-Length of 2 does not lead to its end; it has about 6 bytes"
	# What is no number is no length, for the scanner either.
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\nContent-Length: 2x\n\nbody\n\n'
	clean
}

@test "NULs that a crash left" {
	{ letters 1; head -c 4096 /dev/zero; printf '\n\n'; letters 1; } | private ann/mbox
	found 1 "ann/mbox:$(letters 1 | wc -c)" error nul-run "4096 NULs side by side"
	{ letters 1; head -c 70000 /dev/zero; } | private ann/mbox
	found 1 "ann/mbox:$(letters 1 | wc -c)" error nul-run "70000 NULs side by side"
	{ letters 1; head -c 255 /dev/zero; printf '\n\n'; } | private ann/mbox
	clean
	maildir
	head -c 300 /dev/zero | private bob/Maildir/new/3.x
	found 1 bob/Maildir/new/3.x:0 error nul-run "300 NULs side by side"
}

@test "locks: of the dead, of the living, of nobody" {
	letters 1 | private ann/mbox
	scratch sh -c 'echo 99999999 >ann/mbox.lock; touch -d "1 hour ago" ann/mbox.lock'
	found 1 ann/mbox.lock warning stale-lock "a lock file left behind by process 99999999, which is dead"
	scratch sh -c 'sleep 60 & echo $! >ann/mbox.lock; cat ann/mbox.lock' >"$SCRATCH/pid" 3>&-
	WRITER=$(cat "$SCRATCH/pid")
	found 0 ann/mbox.lock note locked "locked by process $WRITER"
	scratch touch -d '1 hour ago' ann/mbox.lock
	found 1 ann/mbox.lock error old-lock "a lock file of process $WRITER, 60 minutes old"
	scratch sh -c ': >ann/mbox.lock; touch -d "10 minutes ago" ann/mbox.lock'
	found 1 ann/mbox.lock error old-lock "a lock file of nobody knows whom, 10 minutes old"
}

# ---- Maildir -----------------------------------------------------------------------------------

@test "messages that are empty, of another size, there twice or no files" {
	maildir
	scratch sh -c 'umask 077; cd bob/Maildir; : >new/2.b
		printf "abc\n" >cur/3.c,S=99:2,S; printf "\037\213abc\n" >cur/4.d,S=99:2,S
		cp cur/1000000001.a.host,S=17:2,S new/1000000001.a.host,S=17; ln -s /etc/passwd cur/5.e; mkdir new/6.f'
	found 1 bob/Maildir/new/2.b error empty-message "it has no bytes"
	found 1 bob/Maildir/cur/3.c,S=99:2,S warning wrong-size "its name says 99 bytes, and it has 4"
	found 1 bob/Maildir/cur/5.e warning strange-entry "a symbolic link among messages"
	found 1 bob/Maildir/new/6.f warning strange-entry "a directory among messages"
	[[ $output == *"[duplicate-name]"* ]]
	[[ $output == *"the same message name as "???"/1000000001.a.host,S=17"* ]]
	# What is compressed has another size.
	[[ $output != *4.d* ]]
}

@test "what was left in tmp" {
	maildir
	scratch sh -c 'touch -d "35 hours ago" bob/Maildir/tmp/young; touch -d "3 days ago" bob/Maildir/tmp/old'
	found 1 bob/Maildir/tmp/old warning old-tmp "a delivery that never came to its end, 3 days ago"
	[[ $output != *young* ]]
}

@test "a maildirsize that is wrong, or is none; folders count" {
	maildir
	scratch sh -c 'umask 077; mkdir -p bob/Maildir/.Lists/cur bob/Maildir/.ssh; printf "abc\n" >bob/Maildir/.Lists/cur/7.g'
	printf '1000000S\n17 1\n4 1\n' | private bob/Maildir/maildirsize
	clean
	printf '1000000S\n17 1\n' | private bob/Maildir/maildirsize
	found 1 bob/Maildir/maildirsize warning quota-drift "it says 17 bytes in 1 messages, and there are 21 in 2"
	printf 'hello\n' | private bob/Maildir/maildirsize
	found 1 bob/Maildir/maildirsize warning bad-maildirsize "it is not as a maildirsize is written"
	head -c 6000 /dev/zero | private bob/Maildir/maildirsize
	clean
	scratch ln -sf /etc/passwd bob/Maildir/maildirsize
	found 1 bob/Maildir/maildirsize error symbolic-link "a symbolic link stands in the place of a file"
}

@test "folders are verified as well" {
	maildir
	scratch sh -c 'umask 077; mkdir -p bob/Maildir/.Lists/cur; : >bob/Maildir/.Lists/cur/7.g'
	found 1 bob/Maildir/.Lists/cur/7.g error empty-message "it has no bytes"
}

# ---- how it is told ------------------------------------------------------------------------------

@test "accounts: all, or those named; one that cannot be looked at is told" {
	letters 1 | head -c 20 | private ann/mbox
	run -0 peek verify bob
	is "1 account, 0 errors, 0 warnings" "$output"
	run -1 peek verify bob ann
	[[ $output == *"2 accounts, 1 error, 0 warnings" ]]
	run -67 peek verify bob nobody
	is "mailpeek: no account nobody" "$output"
	scratch sh -c 'echo "other:x:12345:12345::/nonexistent::userdb_mail=mbox:~/mbox" >>accounts'
	if [ "$(id -u)" -eq 0 ]; then
		run -1 peek verify
		run -75 peek verify other
		[[ $output == *"/nonexistent/mbox: error: another user's [could-not-tell]"* ]]
	fi
	scratch sh -c 'echo "lost:x:$(id -u):$(id -g)::::userdb_mail=mbox:~/mbox" >>accounts'
	run -75 peek verify
	[[ $output == *"lost: error: "*"[could-not-tell]"* ]]
}

@test "JSON: a line a finding" {
	behind 'From a@b Thu Jan  1 00:00:03 1970\nSubject: x\n\nhalf a li'
	run -1 peek verify -j
	is 1 "${#lines[@]}"
	is "ann torn-tail error $SCRATCH/ann/mbox $(letters 2 | wc -c)" "$(python3 -c '
import json, sys
row = json.loads(sys.argv[1])
print(row["account"], row["name"], row["severity"], row["file"], row["offset"])
assert sorted(row) == ["account", "file", "hint", "name", "offset", "severity", "text"]' "$output")"
	is 1 "$(peek verify -j0 | tr -cd '\0' | wc -c)"
}

@test "of many findings of one name the first are told, and how many more" {
	maildir
	scratch sh -c 'umask 077; for n in $(seq 100 139); do : >bob/Maildir/new/$n.x; done'
	run -1 peek verify
	is 26 "$(grep -c '\[empty-message\]' <<<"$output")"
	[[ $output == *"bob/Maildir: error: 15 more of them [empty-message]"* ]]
}

@test "names that a terminal would obey are told safely" {
	maildir
	scratch sh -c 'umask 077; : >"bob/Maildir/new/$(printf "1.\033[2J\342\200\256")"'
	peek verify >"$SCRATCH/out" || true
	harmless <"$SCRATCH/out"
	grep -q empty-message "$SCRATCH/out"
	peek verify -j | harmless
}

@test "the man page lists every finding with its severity, meaning and hint" {
	findings_of "$MACHINE_ROOT/man/mailpeek.8" >"$SCRATCH/man"
	peek verify -l | listed >"$SCRATCH/list"
	[ "$(wc -l <"$SCRATCH/list")" -ge 25 ]
	diff "$SCRATCH/man" "$SCRATCH/list"
}

@test "every finding of the list is made to appear by a test" {
	for name in $(peek verify -l | cut -f 1); do
		grep -qE "(error|warning|note) $name |\[$name\]" "$BATS_TEST_FILENAME" || { echo "$name"; return 1; }
	done
}
