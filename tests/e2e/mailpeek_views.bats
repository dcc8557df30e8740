#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailpeek's folders, usage, timeline and trace: what they say of mailboxes whose contents are
# known. Works for any user.

bats_require_minimum_version 1.5.0

load peek

# deliver ADDRESS SUBJECT [OPTION...]
deliver() {
	printf 'From: Zo\303\253 <z@x.example>\nMessage-ID: <%s@x.example>\nSubject: %s\n\nbody\n' "$2" "$2" |
		scratch virtmda -C virtmda.conf "${@:3}" -f s@x.example -- "$1"
}

map() { scratch sh -c 'cat >virtmaps; virtmap -C virtmda.conf build' >/dev/null; }

# rows JSON-LINES EXPRESSION: of the list `rows`.
rows() { python3 -c 'import json, sys; rows = [json.loads(line) for line in sys.argv[1].splitlines()]; print(eval(sys.argv[2]))' "$@"; }

# ---- folders -----------------------------------------------------------------------------------

@test "folders: their names decoded, counts, total; what is no folder is left out" {
	echo 'one.example bob%3' | map
	deliver a@one.example one
	deliver "$(printf 'a+Lists.B\303\274ro@one.example')" three -o detail_folders=create
	scratch sh -c 'cd bob/Maildir; mkdir -p .ssh ".ab-&ZeVnLIqe-/cur" ".&bad/new" .Empty/cur; printf "S: x\n\n" >".Empty/cur/7.x:2,S"'
	run -0 peek folders bob
	[[ ${lines[1]} =~ ^INBOX\ +1\ +1\  ]]
	[[ $output == *$'\n''Lists.Büro  '* ]]
	[[ $output == *$'\n''&bad  '*$'\n''ab-日本語  '* ]]
	[[ $output != *ssh* ]]
	run -0 peek folders -j bob
	is "1 0 6" "$(rows "$output" '[(r["messages"], r["unread"], r["size"]) for r in rows if r["folder"] == "Empty"][0]' | tr -d '(),')"
	is ".Lists.B&APw-ro" "$(rows "$output" '[r["directory"] for r in rows if r["folder"] == "Lists.B\u00fcro"][0]')"
	is "$(rows "$output" 'sum(r["messages"] for r in rows)')" "$(peek folders bob | awk '$1 == "total" { print $2 }')"
	is "$(rows "$output" 'len(rows)')" "$(peek folders -0 bob | tr -cd '\0' | wc -c)"
}

@test "folders: an mbox has its inbox, a missing mailbox an empty one, a link none" {
	letters 3 | put ann/mbox
	run -0 peek folders ann
	is 2 "${#lines[@]}"
	[[ ${lines[1]} =~ ^INBOX\ +3\ +3\ +273\  ]]
	run -0 peek folders bob
	[[ ${lines[1]} =~ ^INBOX\ +0\  ]]
	scratch ln -s /etc bob/Maildir
	run -65 peek folders bob
	[[ $output == *"bob/Maildir: symbolic link" ]]
}

@test "folders: names that a terminal would obey are told safely" {
	scratch sh -c 'mkdir -p "bob/Maildir/.$(printf "\033[2J\342\200\256")/cur" "bob/Maildir/.&ABsAWwAyAEo-/new" bob/Maildir/cur'
	peek folders bob >"$SCRATCH/out"
	harmless <"$SCRATCH/out"
	is 5 "$(wc -l <"$SCRATCH/out")"
	peek folders -j bob | harmless
}

# ---- usage -------------------------------------------------------------------------------------

@test "usage: the largest first, bars by size, total of all" {
	letters 40 | put ann/mbox
	letters 10 | put carol/mbox
	scratch sh -c 'mkdir -p bob/Maildir/new bob/Maildir/.Old/cur; printf "S: x\n\n" | tee bob/Maildir/new/1.x >bob/Maildir/.Old/cur/2.x'
	scratch sed -i '/^carol/s/$/ userdb_quota_rule=*:bytes=9100/' accounts
	run -0 peek usage
	is "ann carol bob total" "$(awk 'NR > 1 { printf "%s ", $1 }' <<<"$output" | sed 's/ $//')"
	is "40 3671 79.9% - ████████████████████████████████████████" "$(awk '$1 == "ann" { print $2, $3, $4, $5, $6 }' <<<"$output")"
	is "10 911 19.8% 10% █████████▉" "$(awk '$1 == "carol" { print $2, $3, $4, $5, $6 }' <<<"$output")"
	is "2 12 0.3% - ▏" "$(awk '$1 == "bob" { print $2, $3, $4, $5, $6 }' <<<"$output")"
	is "52 4594 100.0%" "$(awk '$1 == "total" { print $2, $3, $4 }' <<<"$output")"
	is "carol total" "$(peek usage -r -n 2 | awk 'NR > 2 { printf "%s ", $1 }' | sed 's/ $//')"
	is '{"account":"carol","messages":10,"size":911,"quota_percent":10}' "$(peek usage -j carol)"
	letters 60 | put carol/mbox
	is "carol ann bob total" "$(peek usage | awk 'NR > 1 { printf "%s ", $1 }' | sed 's/ $//')"
	# Where there are no blocks, a bar is of signs that there are.
	scratch env LC_ALL=C mailpeek -C virtmda.conf usage ann >"$SCRATCH/out"
	grep -q '  #\{40\}$' "$SCRATCH/out"
	run -1 env LC_ALL=C grep -q '[^ -~]' "$SCRATCH/out"
}

@test "usage: a mailbox that could not be counted is not an empty one" {
	letters 2 | put ann/mbox
	scratch ln -s /etc/passwd carol/mbox
	run -75 --separate-stderr peek usage
	is "carol - - - -" "$(awk '$1 == "carol" { print $1, $2, $3, $4, $5 $6 }' <<<"$output")"
	is "mailpeek: carol: symbolic link" "$stderr"
	run -75 --separate-stderr peek usage -j
	is '{"account":"carol","messages":null,"size":null,"quota_percent":null}' "${lines[1]}"
	scratch sh -c 'rm carol/mbox; printf x >carol/mbox; chmod 0 carol/mbox'
	echo 'one.example carol' | map
	run -75 --separate-stderr peek usage -d
	is "mailpeek: carol: permission denied" "$stderr"
	# What is missing or of another format was counted.
	scratch sh -c 'chmod 600 carol/mbox'
	run -0 peek usage
}

@test "usage: by the domains of the map" {
	map <<-'EOT'
		info@one.example    ann
		@one.example        bob
		x+*@one.example     carol
		two.example         %1
		x@two.example       info@one.example
		y@two.example       ann, carol, me@elsewhere.example
		.sub.example        bob
		no@sub.example      error:nouser no
	EOT
	letters 40 | put ann/mbox
	letters 10 | put carol/mbox
	run -0 peek usage -dj
	is "[('one.example', 3, ['ann', 'carol'], 50), ('two.example', 3, ['ann', 'carol'], 50), ('.sub.example', 1, ['bob'], 0), ('sub.example', 1, [], 0)]" \
		"$(rows "${output//,\"bob\"/}" '[(r["domain"], r["addresses"], r["accounts"], r["messages"]) for r in rows]')"
	run -0 peek usage -d -s name
	is ".sub.example one.example sub.example two.example total" "$(awk 'NR > 1 { printf "%s ", $1 }' <<<"$output" | sed 's/ $//')"
	# An account of several domains counts once in the total.
	[[ ${lines[-1]} =~ ^total\ +50\ +4582\ +100.0%$ ]]
	run -0 peek usage -d -n 1
	is 3 "${#lines[@]}"
}

@test "usage: members of lists count, those of lists in lists too" {
	map <<-'EOT'
		all@one.example     team@two.example, carol, carol@one.example
		carol@one.example   carol
		team@two.example    ann, carol@one.example, me@elsewhere.example
	EOT
	letters 4 | put ann/mbox
	letters 1 | put carol/mbox
	run -0 --separate-stderr peek usage -dj
	is "[('one.example', ['ann', 'carol'], 5, True), ('two.example', ['ann', 'carol'], 5, True)]" \
		"$(rows "$output" '[(r["domain"], r["accounts"], r["messages"], r["complete"]) for r in rows]')"
	is "" "$stderr"
}

@test "usage: an account that could not be told is not nobody" {
	printf 'info@one.example ann\n@one.example carol\nx@two.example bob\n' | map
	letters 4 | put ann/mbox
	letters 1 | put carol/mbox
	# The alias file is not there: of local names nothing is known.
	run -75 --separate-stderr peek -o aliases="$SCRATCH/none" usage -d
	is "one.example - - - 0+;two.example - - - 0+;total 5+ 455+ 100.0% " "$(awk 'NR > 1 { print $1, $2, $3, $4, $5 }' <<<"$output" | paste -sd ';')"
	is "mailpeek: open $SCRATCH/none: No such file or directory
mailpeek: of 3 of 3 addresses of the map it is not known where they lead" "$stderr"
	# No compiled map: of catch-alls the targets are known.
	scratch rm virtmaps.gdbm
	run -75 --separate-stderr peek usage -d
	is "one.example 1+ 91+ 20.0% 1+" "$(awk 'NR == 2 { print $1, $2, $3, $4, $5 }' <<<"$output")"
	is "two.example - - - 0+" "$(awk 'NR == 3 { print $1, $2, $3, $4, $5 }' <<<"$output")"
	[[ $stderr == *"virtmaps.gdbm: No such file"*"of 2 of 3 addresses"* ]]
	run -75 --separate-stderr peek usage -dj
	is "[('one.example', ['carol'], 1, False), ('two.example', [], None, False)]" \
		"$(rows "$output" '[(r["domain"], r["accounts"], r["messages"], r["complete"]) for r in rows]')"
	# A damaged one.
	printf 'info@one.example ann\n@one.example carol\nx@two.example bob\n' | map
	scratch sh -c 'truncate -s 0 virtmaps.gdbm'
	run -75 --separate-stderr peek usage -d
	[[ $stderr == *"addresses of the map it is not known where they lead" ]]
	# One that is older than its text.
	printf 'info@one.example ann\n' | map
	scratch sh -c 'echo "new@one.example carol" >>virtmaps'
	run -0 --separate-stderr peek usage -d
	is "mailpeek: $SCRATCH/virtmaps was changed and not compiled: run virtmap build" "$stderr"
}

@test "usage: a sum without a mailbox that could not be counted is only so much at least" {
	printf 'one.example ann, carol\ntwo.example carol\n' | map
	letters 4 | put ann/mbox
	scratch ln -s /etc/passwd carol/mbox
	run -75 --separate-stderr peek usage -d
	is "one.example 4+ 364+ 100.0% 2;two.example - - - 1;total 4+ 364+ 100.0% " "$(awk 'NR > 1 { print $1, $2, $3, $4, $5 }' <<<"$output" | paste -sd ';')"
	run -75 --separate-stderr peek usage
	[[ ${lines[-1]} =~ ^total\ +4\+\ +364\+\ +100.0%$ ]]
	scratch rm carol/mbox
	run -0 peek usage -d
	is "two.example 0 0 0.0% 1" "$(awk '$1 == "two.example" { print $1, $2, $3, $4, $5 }' <<<"$output")"
}

# ---- a process that dies ---------------------------------------------------------------------------

# killed COMMAND...: run it, and end the process that reads carol's mailbox, which takes long. Started
# by somebody who ignores SIGCHLD, it must know nevertheless how that ended.
killed() {
	local pid=
	scratch env --ignore-signal=CHLD mailpeek -C virtmda.conf "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" 3>&- &
	WRITER=$!
	while [ -z "$pid" ]; do
		kill -0 "$WRITER"
		for pid in $(pgrep -d ' ' -P "$(pgrep -d , -x mailpeek)" -x mailpeek) ''; do
			[ -n "$pid" ] && readlink "/proc/$pid/fd/"* | grep -qxF "$SCRATCH/carol/mbox" && break
		done
	done
	kill -9 "$pid"
	status=0
	wait "$WRITER" || status=$?
	WRITER=
	output=$(cat "$SCRATCH/out") stderr=$(cat "$SCRATCH/err")
}

@test "a mailbox whose reader dies is told, and all others are" {
	letters 2 | put ann/mbox
	scratch sh -c 'umask 077; mkdir -p bob/Maildir/cur dave/Maildir/cur
		printf "S: x\n\n" | tee bob/Maildir/cur/1.x >dave/Maildir/cur/2.x; truncate -s 400G carol/mbox' ||
		skip "no room for a file with a hole"
	letters 1 | scratch sh -c 'cat 1<>carol/mbox'
	local why="the process that read it ended by signal 9"
	killed accounts
	is 75 "$status"
	is "ann 2;carol -;bob 1;dave 1" "$(awk 'NR > 1 && $1 != "total" { print $1, $3 }' <<<"$output" | paste -sd ';')"
	[[ $output == *"carol "*"  $why"* ]]
	killed usage
	is 75 "$status"
	is "ann 2;bob 1;carol -;dave 1;total 4+" "$(awk 'NR > 1 { print $1, $2 }' <<<"$output" | sort -s -k 1,1 | paste -sd ';')"
	is "mailpeek: carol: $why" "$stderr"
	killed verify
	is 75 "$status"
	[[ $output == *"$SCRATCH/carol/mbox: error: $why [could-not-tell]"*"3 accounts, 1 error, "* ]]
	killed trace '<1@x>'
	is 75 "$status"
	is "mailpeek: carol: $why" "$stderr"
}

# ---- timeline ------------------------------------------------------------------------------------

@test "timeline: days, hours and months, those without mail too" {
	local date
	for date in 'Jan  1 00:30:00 1970' 'Jan  1 01:30:00 1970' 'Jan  1 01:40:00 1970' 'Jan  3 00:00:00 1970' 'Mar  1 00:00:00 1970'; do
		printf 'From a@b Thu %s\nSubject: x\n\nb\n\n' "$date"
	done | put ann/mbox
	run -0 peek timeline -n 100 ann
	is 61 "${#lines[@]}"
	is "1970-01-01 3 42" "$(awk 'NR == 2 { print $1, $2, $3 }' <<<"$output")"
	is "1970-01-02 0 0" "$(awk 'NR == 3 { print $1, $2, $3 }' <<<"$output")"
	is "1970-01-03 1 14" "$(awk 'NR == 4 { print $1, $2, $3 }' <<<"$output")"
	is 31 "$(peek timeline ann | wc -l)"
	is '{"month":"1970-01","messages":4,"size":56} {"month":"1970-02","messages":0,"size":0} {"month":"1970-03","messages":1,"size":14}' "$(peek timeline -u month -j ann | paste -sd ' ')"
	is 'hour 1970-02-28 23:00 0' "$(peek timeline -u hour -n 2 -j ann | head -n 1 | sed 's/[{}"]//g; s/,size.*//; s/:/ /; s/,messages:/ /')"
	# In another zone it is another day.
	is 1969-12-31 "$(scratch env TZ=America/New_York mailpeek -C virtmda.conf timeline -n 100 ann | awk 'NR == 2 { print $1 }')"
}

@test "timeline: a mailbox with its folders, or one folder; dates that are none" {
	scratch sh -c 'umask 077; mkdir -p bob/Maildir/cur bob/Maildir/.Old/cur; cd bob/Maildir; printf "S: x\n\n" | tee cur/1.x .Old/cur/2.y cur/99999999999.z >/dev/null'
	run -0 --separate-stderr peek timeline -j bob
	is '{"day":"1970-01-01","messages":2,"size":12}' "$output"
	is "mailpeek: 1 message without a date of delivery, or with one in the future" "$stderr"
	is '{"day":"1970-01-01","messages":1,"size":6}' "$(peek timeline -j -f Old bob)"
	run -0 peek timeline ann
	is "" "$output"
}

# plotted COLUMNS ROWS VARIABLE=VALUE ARGUMENT...: what ann's timeline looks like on such a terminal.
plotted() {
	cp "$BATS_TEST_DIRNAME/terminal.py" "$SCRATCH/bin/"
	# shellcheck disable=SC2016
	scratch env "$3" terminal.py sh -c 'stty cols "$1" rows "$2"; shift 2; exec mailpeek -C virtmda.conf timeline "$@" ann' plot "$1" "$2" "${@:4}" | tr -d '\r'
}

# on DATE COUNT: so many messages of that day.
on() {
	local n
	for ((n = 0; n < $2; n++)); do printf 'From a@b Thu %s 12:00:00 2026\nSubject: x\n\nb\n\n' "$1"; done
}

@test "timeline: a plot on a terminal, within its size" {
	{ on 'Jan  1' 1; on 'Jan  4' 16; on 'Jan  6' 8; on 'Jan 12' 4; } | put ann/mbox
	is 'Messages in each day

16 ┤      █
   │      █
   │      █
   │      █
   │      █   █
   │      █   █
   │      █   █           █
   │▄     █   █           █
 0 └────────┬─────────────┬─
            01-05         01-12

29 messages, 406 bytes, from 2026-01-01 to 2026-01-12
busiest day: 2026-01-04, 16' "$(plotted 40 14 A=b)"
	# No blocks, little room.
	is 'Messages in each day

16 +      #
   |      #   :
   |.     #   #           :
 0 +--------+-------------+-
            01-05         01-12

29 messages, 406 bytes, from 2026-01-01 to 2026-01-12
busiest day: 2026-01-04, 16' "$(plotted 40 5 LC_ALL=C)"
	is "Messages in each 4 hours" "$(plotted 40 5 LC_ALL=C -u hour -n 100 | head -n 1)"
	python wide 80 < <(plotted 80 24 A=b -u hour -n 10000)
	# Whoever wants numbers gets rows there, too.
	is 13 "$(plotted 80 24 A=b -b | wc -l)"
	is '{"day":"2026-01-12","messages":4,"size":56}' "$(plotted 80 24 A=b -j | tail -n 1)"
	is "" "$(scratch rm ann/mbox; plotted 80 24 A=b)"
}

# ---- trace ---------------------------------------------------------------------------------------

@test "trace: ladder, account, mailbox, health, and the newest that came that way" {
	printf 'info@one.example ann\n@one.example ann\n' | map
	local n
	for n in 1 2 3 4 5 6 7; do deliver Info@One.example "letter$n"; done
	deliver other@one.example other
	run -0 peek trace INFO@one.example
	[[ $output == *"exact        info@one.example  <- this one"* ]]
	[[ $output == *"  match    info@one.example (exact)"* ]]
	[[ $output == *"  account  ann (uid "* ]]
	[[ $output == *"  mailbox  mbox:$SCRATCH/ann/mbox"* ]]
	[[ $output == *"  health   ok"* ]]
	[[ $output == *"  came     7 messages for this address in the mailbox"* ]]
	is "letter7 letter6 letter5 letter4 letter3" "$(grep -o 'letter[0-9]*$' <<<"$output" | paste -sd ' ')"
	[[ $output == *"Zoë <z@x.example>"* ]]
	is "letter7" "$(peek trace -n 1 info@one.example | grep -o 'letter[0-9]*$')"
	run -0 peek trace other@one.example
	[[ $output == *"  match    @one.example (catch-all)"*"came     1 message for"*other ]]
	printf half | scratch sh -c 'cat >>ann/mbox'
	run -0 peek trace info@one.example
	[[ $output == *"  health   $SCRATCH/ann/mbox:"*"[torn-tail]"* ]]
}

@test "trace: folders are looked at, and every target's account" {
	printf 'list@one.example bob+Lists, ann, me@elsewhere.example\n' | map
	deliver bob+Lists x -o detail_folders=create
	run -0 peek trace bob+Lists
	[[ $output == *"  came     1 message for"*" Lists "* ]]
	run -0 peek trace list@one.example
	[[ $output == *"verdict  forward "*$'\n\nbob+Lists\n'*"account bob+Lists"*$'\n\nann\n'*"  health   missing"* ]]
}

@test "trace: what is refused, unknown or never came has its status" {
	printf 'no@one.example error:5.7.1:Closed\nnobody@one.example error:nouser no\nann@one.example ann\nlost@one.example nowhere\n' | map
	run -69 peek trace no@one.example
	[[ $output == *"verdict  reject 5.7.1 Closed"* ]]
	run -67 peek trace nobody@one.example
	run -67 peek trace other@one.example
	run -75 peek trace lost@one.example
	run -75 peek trace a@b.example
	run -1 peek trace ann@one.example
	[[ $output == *"  came     0 messages"* ]]
	peek trace $'\e[2J\e]0;x\a@one.example' | harmless
}

@test "trace: members in domains of the map are looked at, each once" {
	printf 'all@one.example team@two.example, ann@one.example, me@elsewhere.example\nteam@two.example ann@one.example, carol\nann@one.example ann\n' | map
	run -0 peek trace all@one.example
	is "all@one.example team@two.example ann@one.example carol" "$(grep '^[^ ]' <<<"$output" | paste -sd ' ')"
	is 1 "$(grep -c '^  account  ann ' <<<"$output")"
	# A domain of which nothing can be told is not elsewhere.
	scratch truncate -s 0 virtmaps.gdbm
	run -75 peek trace team@two.example
}

@test "trace: as JSON, an object for the address and one for each target" {
	printf 'list@one.example bob+Lists, ann, me@elsewhere.example\ninfo@one.example ann\nno@one.example error:5.7.1:Closed\n' | map
	deliver info@one.example one
	deliver info@one.example two
	run -0 --separate-stderr peek trace -j -n 1 info@one.example
	is 1 "${#lines[@]}"
	is "('info@one.example', 'account', 'info@one.example', 'exact', 'ann', None)" \
		"$(rows "$output" 'tuple(rows[0][k] for k in ("recipient", "verdict", "match", "rung", "target", "warning"))')"
	is "('ann', 'mbox', '$SCRATCH/ann/mbox', False, [], 2, None)" \
		"$(rows "$output" 'tuple(rows[0][k] for k in ("account", "format", "mailbox", "missing", "findings", "came", "error"))')"
	is "[('INBOX', 2, 'Zo\\xeb <z@x.example>', 'two')]" \
		"$(rows "$output" 'ascii([tuple(m[k] for k in ("folder", "number", "from", "subject")) for m in rows[0]["messages"]])' | tr -d '"')"
	[[ $(rows "$output" 'rows[0]["steps"][1]') == *"exact "*"info@one.example  <- this one" ]]
	is "[('list@one.example', 'forward', ['bob+Lists', 'ann', 'me@elsewhere.example']), ('bob+Lists', 'account', None), ('ann', 'account', None)]" \
		"$(rows "$(peek trace -j list@one.example)" '[(r["recipient"], r["verdict"], r.get("addresses")) for r in rows]')"
	is 3 "$(peek trace -j0 list@one.example | tr -cd '\0' | wc -c)"
	printf 'half a li' | scratch sh -c 'cat >>ann/mbox'
	run -0 peek trace -j info@one.example
	is torn-tail "$(rows "$output" 'rows[0]["findings"][0]["name"]')"
	run -69 peek trace -j no@one.example
	is "reject 5.7.1 Closed" "$(rows "$output" '" ".join(rows[0][k] for k in ("verdict", "status", "text"))')"
	run -67 peek trace -j other@one.example
	is "nouser 5.1.1" "$(rows "$output" '" ".join(rows[0][k] for k in ("verdict", "status"))')"
	# What could not be read is not said to be empty.
	scratch sh -c 'rm ann/mbox; ln -s /etc/passwd ann/mbox'
	run -65 --separate-stderr peek trace -j info@one.example
	is "symbolic-link None None" "$(rows "$output" '" ".join([rows[0]["findings"][0]["name"], str(rows[0]["came"]), str(rows[0]["messages"])])')"
	[[ $(rows "$output" 'rows[0]["error"]') == *"ann/mbox: symbolic link" ]]
	run -64 peek trace -0 info@one.example
	[[ $output == *"-0 takes -j"* ]]
}

@test "trace: a message-id is found in every mailbox and folder" {
	printf 'one.example ann\ntwo.example bob+Lists\nthree.example carol\n' | map
	local domain
	for domain in one two three; do deliver a@$domain.example same -o detail_folders=create; done
	deliver a@three.example other
	run -0 peek trace '<same@x.example>'
	is "ann INBOX 1;carol INBOX 1;bob Lists 1" "$(awk 'NR > 1 { print $1, $2, $3 }' <<<"$output" | paste -sd ';')"
	run -0 peek trace '<other@x.example>'
	is "carol INBOX 2" "$(awk 'NR > 1 { print $1, $2, $3 }' <<<"$output")"
	run -0 peek trace -n 2 '<same@x.example>'
	is 3 "${#lines[@]}"
	run -0 peek trace -j '<same@x.example>'
	is "[('ann', 'INBOX', 1), ('carol', 'INBOX', 1), ('bob', 'Lists', 1)]" "$(rows "$output" '[(r["account"], r["folder"], r["number"]) for r in rows]')"
	is "['account', 'date', 'folder', 'number', 'size']" "$(rows "$output" 'sorted(rows[0])')"
	is "ann INBOX 1" "$(peek trace -0 '<same@x.example>' | tr '\0\t' '\n ' | head -n 1 | cut -d ' ' -f 1-3)"
	run -1 peek trace '<ame@x.example>'
	is "" "$output"
	scratch ln -sf /etc/passwd carol/mbox
	run -75 --separate-stderr peek trace '<same@x.example>'
	is 3 "${#lines[@]}"
	[[ $stderr == "mailpeek: carol: "*"symbolic link" ]]
}
