#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailpeek beside Python's mailbox module, on hostile mail, while mail arrives, and called wrongly. Works for any user; the
# tests of root's own part say that they need root.

bats_require_minimum_version 1.5.0

load peek

# ---- beside Python ---------------------------------------------------------------------------

@test "counts, flags, dates, sizes, headers and bytes are Python's" {
	local seed
	for seed in 1 2 3; do
		python fill ann/mbox bob/Maildir "$seed" 120
		python agree mailpeek -C virtmda.conf -- ann "mbox:$SCRATCH/ann/mbox"
		python agree mailpeek -C virtmda.conf -- bob "maildir:$SCRATCH/bob/Maildir"
		scratch rm -rf ann/mbox bob/Maildir
	done
}

@test "what virtmda delivers is what mailpeek shows" {
	scratch sh -c 'echo "ann@one.example ann" >virtmaps; echo "bob@one.example bob" >>virtmaps
		virtmap -C virtmda.conf build'
	local message account
	message=$(printf 'From: Zo\303\253 <z@x.example>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nFrom here on\n>From there\nx')
	for account in ann bob; do
		printf %s "$message" | scratch virtmda -C virtmda.conf -f s@x.example -- "$account@one.example"
		run -0 peek list "$account"
		[[ ${lines[1]} == *"  Zoë <z@x.example>"*"  Grüße" ]]
		run -0 --separate-stderr peek raw "$account" 1
		is "Return-Path: <s@x.example>
Delivered-To: $account@one.example
$message" "$output"
	done
}

# ---- hostile ---------------------------------------------------------------------------------

@test "nothing that a terminal would obey is printed" {
	python hostile carol/mbox dave/Maildir
	peek list carol >"$SCRATCH/out"
	harmless <"$SCRATCH/out"
	is 22 "$(wc -l <"$SCRATCH/out")"
	peek list dave | harmless
	peek accounts | harmless
	# In another charset UTF-8 could be anything: there nothing but ASCII is printed.
	peek list carol >"$SCRATCH/utf8"
	scratch env LC_ALL=C mailpeek -C virtmda.conf list carol >"$SCRATCH/ascii"
	run -1 env LC_ALL=C grep -q '[^ -~]' "$SCRATCH/ascii"
	is "$(wc -l <"$SCRATCH/utf8")" "$(wc -l <"$SCRATCH/ascii")"
}

@test "on a terminal a row is a line, and raw mail is harmless too" {
	command -v script >/dev/null || skip "script(1) is not installed"
	python hostile carol/mbox dave/Maildir
	local n
	scratch script -qec 'stty cols 80; mailpeek -C virtmda.conf list carol' /dev/null </dev/null | tr -d '\r' >"$SCRATCH/out"
	harmless <"$SCRATCH/out"
	is 22 "$(wc -l <"$SCRATCH/out")"
	python wide 80 <"$SCRATCH/out"
	for n in 1 2 3 4 11; do
		scratch script -qec "mailpeek -C virtmda.conf raw carol $n" /dev/null </dev/null | tr -d '\r' | harmless
	done
}

@test "headers without end cost bounded memory" {
	! grep -q __asan_init "$BUILD/mailpeek" || skip "AddressSanitizer's own memory would be measured"
	python hostile carol/mbox dave/Maildir
	python peak 32 mailpeek -C virtmda.conf list carol
	python peak 32 mailpeek -C virtmda.conf accounts
	python peak 32 mailpeek -C virtmda.conf raw carol 20
	run -0 peek list carol
	[[ ${lines[-1]} == *"the last" ]]
	# The subject of the message before is 64 MiB long.
	[[ ${#lines[-2]} -lt 70000 ]]
}

# ---- while others write ----------------------------------------------------------------------

@test "a message that is still being written is not shown" {
	{
		letters 2
		printf 'From a@b.example Thu Jan  1 00:00:03 1970\nSubject: half a mess'
	} | put ann/mbox
	scratch sh -c 'echo 1 >ann/mbox.lock; touch -d @1000 ann/mbox.lock'
	run -0 peek list ann
	is 3 "${#lines[@]}"
	[[ ${lines[2]} == *"letter 2" ]]
	run -66 peek raw ann 3
	run -0 peek accounts
	[[ ${lines[1]} == "ann "*" 2 "*"dotlock  ok" ]]
	scratch rm ann/mbox.lock
	run -0 peek list ann
	is 4 "${#lines[@]}"
	# What the dead have written is all there will be, unless their word says that it is not whole.
	scratch sh -c 'echo 99999999 >ann/mbox.lock; touch -d "1 hour ago" ann/mbox.lock'
	run -0 peek list ann
	is 4 "${#lines[@]}"
	left_behind ann/mbox 182 500
	run -0 peek list ann
	is 3 "${#lines[@]}"
	is "2:['dotlock', 'stale']:torn" "$(peek accounts -j ann | python3 -c 'import json, sys; print("%(messages)s:%(locks)s:%(health)s" % json.loads(sys.stdin.read()))')"
	left_behind ann/mbox 182 10
	run -0 peek list ann
	is 4 "${#lines[@]}"
}

@test "mailboxes read while mail arrives and moves show whole messages only" {
	scratch sh -c 'echo "one.example ann" >virtmaps; echo "two.example bob" >>virtmaps; virtmap -C virtmda.conf build'
	scratch sh -c '
		n=1
		while [ $n -le 60 ]; do
			{ printf "Subject: letter %d\n\n" $n; head -c 300000 /dev/zero | tr "\0" x; printf "\nend\n"; } >letter
			virtmda -C virtmda.conf -f s@x.example -- a@one.example <letter
			virtmda -C virtmda.conf -f s@x.example -- a@two.example <letter
			for file in bob/Maildir/new/*; do
				[ $((n % 2)) -eq 0 ] && [ -e "$file" ] && mv "$file" "bob/Maildir/cur/${file##*/}:2,S"
			done
			n=$((n + 1))
		done' 3>&- &
	WRITER=$!
	local account last
	while kill -0 "$WRITER" 2>/dev/null; do
		for account in ann bob; do
			peek list "$account" >"$SCRATCH/rows"
			last=$(tail -n 1 "$SCRATCH/rows" | sed 's/ *\([0-9]*\) .*/\1/')
			[ -n "$last" ] || continue
			# One row a letter, each whole.
			grep -v '^ *NR' "$SCRATCH/rows" | awk '{ if ($NF != NR || $4 < 300000) exit 1 }' ||
				{ cat "$SCRATCH/rows" >&2; return 1; }
			is end "$(peek raw "$account" "$last" | tail -n 1)"
		done
	done
	wait "$WRITER"
	WRITER=
	is 61 "$(peek list ann | wc -l)"
	is 61 "$(peek list bob | wc -l)"
}

@test "whatever is asked while mail arrives and moves, the answer was true at some moment" {
	scratch sh -c 'echo "one.example ann" >virtmaps; echo "two.example bob" >>virtmaps; virtmap -C virtmda.conf build'
	cp "$BATS_TEST_DIRNAME/bustle.py" "$SCRATCH/bin/"
	chmod 755 "$SCRATCH/bin/bustle.py"
	scratch timeout 120 bustle.py 60 mailpeek -C virtmda.conf
}

# ---- what is not there, not ours, or wrong ---------------------------------------------------

@test "every mailbox's state is told" {
	letters 1 | put ann/mbox
	scratch ln -s /etc/passwd carol/mbox
	scratch mkdir -p bob/Maildir/cur bob/Maildir/new
	scratch touch dave/Maildir
	run -0 peek accounts
	[[ ${lines[1]} =~ ^ann\ +mbox\ +1\ +1\ +[0-9]+\ +1970-01-01T00:00:01\+0000\ +-\ +ok$ ]]
	[[ ${lines[2]} =~ ^carol\ +mbox\ +-\ +-\ +-\ +-\ +-\ +symbolic\ link$ ]]
	[[ ${lines[3]} =~ ^bob\ +maildir\ +0\ +0\ +0\ +-\ +-\ +ok$ ]]
	[[ ${lines[4]} =~ ^dave\ +maildir\ .*wrong\ file\ type$ ]]
	[[ ${lines[5]} =~ ^total\ +4\ +1\ +1\  ]]
	is 6 "${#lines[@]}"
	scratch rm carol/mbox dave/Maildir
	run -0 peek accounts
	is 4 "${#lines[@]}"
	run -0 peek accounts -a
	[[ ${lines[2]} =~ ^carol\ .*missing$ ]]
	is 6 "${#lines[@]}"
	scratch sh -c 'chmod 0 ann/mbox; printf "Dear all,\n" >carol/mbox'
	run -0 peek accounts
	[[ ${lines[1]} =~ ^ann\ .*permission\ denied$ ]]
	[[ ${lines[2]} =~ ^carol\ .*another\ format$ ]]
	run -77 peek list ann
	run -65 peek list carol
	[[ $output == *"carol/mbox: another format" ]]
}

@test "what a crash leaves at an mbox's end, modes and dead locks are told without a look at all of it" {
	{ letters 2; printf 'half a li'; } | put ann/mbox
	{ letters 1; head -c 300 /dev/zero; } | put carol/mbox
	scratch mkdir -m 777 bob/Maildir bob/Maildir/cur
	state() { peek accounts -j | python3 -c 'import json, sys; print(" ".join("%(account)s:%(messages)s:%(health)s:%(locks)s" % json.loads(line) for line in sys.stdin))'; }
	is "ann:2:torn:[] carol:1:ends in NULs:[] bob:0:wrong mode:[]" "$(state)"
	# Who is writing is not done; who is dead will not be.
	scratch sh -c 'sleep 60 & echo $! >ann/mbox.lock; cat ann/mbox.lock' >"$SCRATCH/pid" 3>&-
	WRITER=$(cat "$SCRATCH/pid")
	scratch touch ann/mbox
	is "ann:1:ok:['dotlock']" "$(state | cut -d ' ' -f 1)"
	kill "$WRITER"
	WRITER=
	scratch sh -c 'echo 99999999 >ann/mbox.lock; touch -d "1 hour ago" ann/mbox.lock'
	is "ann:2:torn:['dotlock', 'stale']" "$(state | cut -d ' ' -f 1-2)"
	run -0 peek accounts ann
	[[ ${lines[1]} == *"  stale    torn" ]]
	letters 1 | put ann/mbox
	scratch sh -c 'chmod 400 ann/mbox; head -c 255 /dev/zero >>carol/mbox; truncate -s 300 carol/mbox; rm ann/mbox.lock'
	is "ann:1:wrong mode:[] carol:1:torn:[]" "$(state | cut -d ' ' -f 1-3)"
}

@test "accounts: columns for a script are always there, for a person those that say something" {
	letters 1 | put ann/mbox
	scratch sh -c 'echo "$1:x:$(id -u):$(id -g)::$PWD/ann::userdb_mail=mbox:~/mbox" >>accounts' more "$(printf 'x%.0s' {1..60})"
	is 9 "$(peek accounts -0 ann | tr -dc '\t' | wc -c | awk '{ print $1 + 1 }')"
	cp "$BATS_TEST_DIRNAME/terminal.py" "$SCRATCH/bin/"
	scratch env TERM=dumb terminal.py mailpeek -C virtmda.conf accounts | tr -d '\r' >"$SCRATCH/out"
	run -1 grep LOCK "$SCRATCH/out"
	grep -q "^$(printf 'x%.0s' {1..18})…  mbox  " "$SCRATCH/out"
	python wide 80 <"$SCRATCH/out"
	peek accounts | grep -q "^$(printf 'x%.0s' {1..60})  mbox"
	scratch touch ann/mbox.lock
	scratch env TERM=dumb terminal.py mailpeek -C virtmda.conf accounts ann | grep -q '  dotlock  ok'
}

@test "accounts: sorted, the first of them, quotas, folders, JSON" {
	scratch sh -c 'umask 077; sed -i "/^bob/s/\$/ userdb_quota_rule=*:messages=10/" accounts
		mkdir -p bob/Maildir/cur bob/Maildir/.Lists/new; printf "S: x\n\n" >bob/Maildir/.Lists/new/1000000000.x; printf "S: x\n\n" >"bob/Maildir/cur/3.x:2,S"'
	letters 3 | put ann/mbox
	letters 1 | put carol/mbox
	run -0 peek accounts -s messages
	[[ ${lines[0]} == *"  QUOTA  NEWEST"* ]]
	[[ ${lines[1]} =~ ^ann\ +mbox\ +3\ +3\ +273\ +-\  ]]
	[[ ${lines[2]} =~ ^bob\ +maildir\ +2\ +1\ +12\ +20%\ +2001-09-09T01:46:40\+0000\  ]]
	[[ ${lines[3]} =~ ^carol\  ]]
	[[ ${lines[4]} =~ ^total\ +3\ +6\  ]]
	is "bob carol ann" "$(peek accounts -r -s size -0 | tr '\0' '\n' | cut -f 1 | paste -sd ' ')"
	is "ann bob" "$(peek accounts -s name -n 2 -0 | tr '\0' '\n' | cut -f 1 | paste -sd ' ')"
	is "bob ann carol" "$(peek accounts -s newest -0 | tr '\0' '\n' | cut -f 1 | paste -sd ' ')"
	# Totals are of all, whatever is left out.
	[[ $(peek accounts -s quota -n 1) == *"bob "*"total "*" 6 "* ]]
	is '{"account":"bob","format":"maildir","mailbox":"'"$SCRATCH"'/bob/Maildir","messages":2,"unread":1,"size":12,"quota":{"bytes":null,"messages":10,"percent":20},"newest":"2001-09-09T01:46:40+0000","locks":[],"health":"ok"}' "$(peek accounts -j bob)"
}

@test "an account without mail is an empty list" {
	run -0 peek list ann
	is "" "$output"
	run -66 peek raw ann 1
	[[ $output == "mailpeek: no message 1 in the mailbox of ann" ]]
}

@test "each way of calling it wrongly has its status and reason" {
	letters 2 | put ann/mbox
	local want command reason
	while IFS='|' read -r want command reason; do
		# shellcheck disable=SC2086
		run "-$want" peek $command
		[[ $output == *"$reason"* ]] || is "$reason" "$output"
		[[ $output != *"Invalid argument"* ]] || is "$reason" "$output"
	done <<-'EOT'
		64||which command?
		64|frobnicate|unknown command: frobnicate
		64|-x accounts|unknown option: -x
		64|accounts -x|unknown option: -x
		64|-o|this option needs a value: -o
		67|accounts ann nobody|no account nobody
		64|accounts -s colour|cannot sort by "colour"; there are name,
		64|accounts -n 0|"0" is no number
		64|timeline -u week ann|"week" is no unit; there are hour, day, month
		66|timeline -f None bob|no folder None
		64|folders|too few arguments for folders
		67|folders nobody|no account nobody
		64|usage -s colour|cannot sort by "colour"
		75|usage -d|virtmaps: No such file
		64|trace <a@b|"<a@b" is no message-id
		67|trace nobody|verdict  nouser
		67|verify nobody|no account nobody
		64|verify -b|unknown option: -b
		64|list|too few arguments for list
		64|list ann carol|"carol" is no search term
		64|search ann|too few arguments for search
		64|raw ann 1 2|one argument too many: 2
		64|list --format size,colour ann|no field "colour"; there are number,
		64|list --format , ann|which fields?
		64|list -F|this option needs a value: -F
		64|list --nonsense ann|unknown option: --nonsense
		64|raw --json ann 1|unknown option: --json
		64|list -f Lists ann|mbox, and has no folders
		64|list -f .. bob|".." is no folder's name
		64|list -f Lists/../x bob|is no folder's name
		66|list -f Lists bob|no folder Lists in the mailbox of bob
		64|show ann|too few arguments for show
		64|show ann 1 2|one argument too many: 2
		66|show ann 3|no message 3 in the mailbox of ann
		64|raw ann|too few arguments for raw
		64|raw ann 0|"0" is no message number
		64|raw ann -1|"-1" is no message number
		64|raw ann 1x|"1x" is no message number
		64|raw ann 99999999999999999999|is no message number
		66|raw ann 3|no message 3 in the mailbox of ann
		67|list nobody|no account nobody
		67|raw ann@one.example 1|"virtmap resolve ann@one.example" says which account
		78|-o nosuch=1 list ann|unknown setting "nosuch"
		78|-C /nonexistent accounts|/nonexistent: No such file
		75|-o accounts=passwd-file:/nonexistent list ann|/nonexistent: No such file
		75|-o accounts=passwd-file:/nonexistent accounts|/nonexistent: No such file
		0|-h|usage: mailpeek
		0|list -h|usage: mailpeek [-C FILE] [-o NAME=VALUE]... list [-bj0] [-f FOLDER] [-F FIELDS] ACCOUNT [TERM...]
		0|-V|mailpeek 0
	EOT
}

@test "words from outside are harmless in errors too" {
	run -67 peek list $'\e[2J'
	is "mailpeek: no account \\^[[2J" "$output"
}

@test "another user's mailbox is not looked into" {
	scratch sh -c 'echo "other:x:12345:12345::/nonexistent::" >>accounts; echo "super:x:0:0::/root::" >>accounts'
	run -77 peek list other
	run -77 peek list super
	run -0 peek accounts
	is "" "$output"
	run -0 peek accounts -a
	[[ $output == *"another user's"* ]]
	[[ $output == *"below min_uid"* ]]
}

@test "output that cannot be written is an error" {
	[ -w /dev/full ] || skip "there is no /dev/full"
	letters 2 | put ann/mbox
	local command
	for command in accounts 'list ann' 'search -j ann all' 'show ann 1' 'raw ann 1'; do
		run -74 scratch sh -c "mailpeek -C virtmda.conf $command >/dev/full"
		[[ $output == *"standard output"* ]]
	done
}

# ---- as root ---------------------------------------------------------------------------------

# rooted: a directory that root trusts, with accounts of uids 65533 and 65534.
rooted() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	ROOTED=$(mktemp -d)
	chmod 755 "$ROOTED"
	mkdir -m 700 "$ROOTED/eve" "$ROOTED/fred" "$ROOTED/root"
	letters 1 >"$ROOTED/eve/mbox"
	letters 2 >"$ROOTED/fred/mbox"
	letters 3 >"$ROOTED/root/mbox"
	chown -R 65533:65533 "$ROOTED/eve"
	chown -R 65534:65534 "$ROOTED/fred"
	{
		echo "eve:x:65533:65533::$ROOTED/eve::"
		echo "fred:x:65534:65534::$ROOTED/fred::"
		echo "mallory:x:65533:65533::$ROOTED/fred::"
		echo "mole:x:65533:65533::$ROOTED/root::"
	} >"$ROOTED/accounts"
	printf 'accounts = passwd-file:%s/accounts\nmailbox = mbox:~/mbox\n' "$ROOTED" >"$ROOTED/conf"
}

@test "root sees every account, each with the account's own rights" {
	rooted
	run -0 "$BUILD/mailpeek" -C "$ROOTED/conf" accounts
	[[ ${lines[1]} =~ ^eve\ +mbox\ +1\ .*ok$ ]]
	[[ ${lines[2]} =~ ^fred\ +mbox\ +2\ .*ok$ ]]
	[[ ${lines[3]} =~ ^mallory\ .*permission\ denied$ ]]
	[[ ${lines[4]} =~ ^mole\ .*permission\ denied$ ]]
	run -0 "$BUILD/mailpeek" -C "$ROOTED/conf" list fred
	is 3 "${#lines[@]}"
	run -77 "$BUILD/mailpeek" -C "$ROOTED/conf" list mallory
	run -77 "$BUILD/mailpeek" -C "$ROOTED/conf" raw mole 1
	rm -rf "$ROOTED"
}
