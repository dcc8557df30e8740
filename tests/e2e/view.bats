#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How virtmap shows a map: list, get, domains, in columns and as JSON; the pager. On a terminal of
# its own where that matters. Works for any user in a directory of its own.

load map
CR=$(printf '\r')
ESC=$(printf '\033')

setup() {
	begin 'aliases = @DIR/aliases' 'local_domains = host.example'
	cat >"$DIR/accounts" <<-'EOT'
		bob:x:1001:1001::/home/bob::
		carol:x:1002:1002::/home/carol::
		zoe@one.example:x:1003:1003::/srv/zoe::
	EOT
	echo 'team: bob, carol' >"$DIR/aliases"
	cat >"$DIR/virtmaps" <<-'EOT'
		# Ours since 1998.

		#   Ask Bob before this is changed:
		# he reads it on Mondays.
		webmaster@two.example    carol
		Info@Two.example.        bob, team, x@elsewhere.example
		# Sales.

		sales@one.example        zoe@one.example
		old+*@one.example        webmaster@two.example
		@one.example             bob%3
		jürg@two.example         me@sub.three.example
		shop@two.example         error:5.7.1:Closed
		.three.example           discard:
		two.example              %1@four.example
		a@four.example           root@host.example
		b@four.example           %1
		@                        nobody-there
	EOT
	unset PAGER LESS LV LESSSECURE SUDO_UID
}

# t COMMAND...: on a terminal; lines end in newlines alone again.
t() { "$BATS_TEST_DIRNAME/terminal.py" "$@" | tr -d '\r' && return "${PIPESTATUS[0]}"; }
tv() { t "$BUILD/virtmap" -C "$DIR/conf" "$@"; }

json() { python3 -c 'import json, sys; rows = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# ---- list ----------------------------------------------------------------------------------

@test "list: the text's order, or sorted by domain and key" {
	[ "$(v list | head -n 2)" = "$(printf 'webmaster@two.example carol\nInfo@Two.example.     bob, team, x@elsewhere.example')" ]
	[ "$(v list -s | sed 's/ .*//' | tr '\n' ' ')" = "@ a@four.example b@four.example @one.example old+*@one.example sales@one.example .three.example two.example Info@Two.example. jürg@two.example shop@two.example webmaster@two.example " ]
}

@test "list: several patterns, on keys and targets; a domain's other spelling is found, too" {
	[ "$(v list '*@ONE.example' team 2>&1)" = "$(printf 'sales@one.example zoe@one.example\nold+*@one.example webmaster@two.example\n@one.example      bob%%3')" ]
	[ "$(v list '@two.example')" = 'two.example %1@four.example' ]
	[ "$(v list 'error:*')" = 'shop@two.example error:5.7.1:Closed' ]
	[ "$(v list 'JÜRG@*')" = 'jürg@two.example me@sub.three.example' ]
	[ "$(v list 'j?rg@*')" = 'jürg@two.example me@sub.three.example' ]
	run v list nothing '*@none.example'
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
}

@test "list: columns are as wide as what is seen, and nothing is cut" {
	local long
	long=$(printf 'x%.0s' $(seq 60))
	printf '信@two.example bob\n%s@two.example %s@elsewhere.example\n' "$long" "$long" >>"$DIR/virtmaps"
	[ "$(v list '*rg@two.example' '信@*' 'shop@*' "$long*")" = "$(printf 'jürg@two.example me@sub.three.example\nshop@two.example error:5.7.1:Closed\n信@two.example   bob\n%s@two.example %s@elsewhere.example' "$long" "$long")" ]
	[[ $(PAGER='' tv list "$long*") == *"$long@two.example $long@elsewhere.example"* ]]
}

@test "list -j: key, target, line; import reads it" {
	[ "$(v list -j '*@one.example' | json '[(r["key"], r["target"], r["line"]) for r in rows]')" = \
		"[('sales@one.example', 'zoe@one.example', 9), ('old+*@one.example', 'webmaster@two.example', 10), ('@one.example', 'bob%3', 11)]" ]
	[ "$(v list -j 'info@*' | json 'rows[0]["key"]')" = "info@two.example" ]
	[ "$(v list -j '*rg@*')" = "$(printf '[\n%s\n]' '{"key": "j\u00FCrg@two.example", "target": "me@sub.three.example", "line": 12}')" ]
	run v list -j none
	[ "$status" -eq 1 ]
	[ "$output" = "[]" ]
	v list -j >"$DIR/all.json"
	v export csv >"$DIR/before"
	v -o map="$DIR/other" -o domains="$DIR/other.domains" import json "$DIR/all.json"
	v -o map="$DIR/other" export csv | cmp - "$DIR/before"
}

@test "list: bytes that are no UTF-8 are escaped, and hex in JSON" {
	printf 'bad@one.example error:nouser \377\n' >>"$DIR/virtmaps"
	[ "$(v list 'bad@*')" = 'bad@one.example error:nouser \377' ]
	[ "$(v list -j 'bad@*' | json 'bytes.fromhex(rows[0]["target"]["hex"])')" = "b'error:nouser \\xff'" ]
}

@test "list: wrong lines are told, the others shown, and the status is 65" {
	echo 'lonely@one.example' >>"$DIR/virtmaps"
	run --separate-stderr v list 'a@*'
	[ "$status" -eq 65 ]
	[ "$output" = 'a@four.example root@host.example' ]
	[[ $stderr == "$DIR/virtmaps:19: "* ]]
}

# ---- get -----------------------------------------------------------------------------------

@test "get: the target alone for scripts; -v and terminals see comment, line and entry" {
	local whole
	whole=$(printf '#   Ask Bob before this is changed:\n# he reads it on Mondays.\n%s:5: webmaster@two.example carol' "$DIR/virtmaps")
	[ "$(v get webmaster@two.example)" = carol ]
	[ "$(v get -v WEBMASTER@two.example)" = "$whole" ]
	[ "$(tv get webmaster@two.example)" = "$whole" ]
	[ "$(v get -v info@two.example)" = "$DIR/virtmaps:6: Info@Two.example. bob, team, x@elsewhere.example" ]
	# Not directly above.
	[ "$(v get -v sales@one.example)" = "$DIR/virtmaps:9: sales@one.example zoe@one.example" ]
}

@test "get -j: key, target, line, as written, comment" {
	[ "$(v get -j webmaster@two.example)" = '{"key": "webmaster@two.example", "target": "carol", "line": 5, "written": "webmaster@two.example", "comment": ["Ask Bob before this is changed:", "he reads it on Mondays."]}' ]
	[ "$(v get -j info@two.example)" = '{"key": "info@two.example", "target": "bob, team, x@elsewhere.example", "line": 6, "written": "Info@Two.example.", "comment": []}' ]
	run --separate-stderr v get -j none@one.example
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	[ "$stderr" = "virtmap: none@one.example: no such mapping" ]
}

@test "get: a comment cannot steer the terminal" {
	printf '# \033]0;x\007\nlast@one.example bob\n' >>"$DIR/virtmaps"
	[ "$(v get -v last@one.example)" = "$(printf '%s\n%s:20: last@one.example bob' '# \^[]0;x\a' "$DIR/virtmaps")" ]
	[ "$(v get -j last@one.example | json 'rows["comment"]')" = "['\\x1b]0;x\\x07']" ]
}

# ---- domains -------------------------------------------------------------------------------

@test "domains: a row each, with what targets are" {
	run v domains
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat <<-'EOT'
		DOMAIN          MAPPINGS  ACCOUNTS  ALIASES  MAPPED  REMOTE  ERRORS  DISCARDS  OTHER  CATCH-ALL
		@                      1         0        0       0       0       0         0      1  nobody-there
		four.example           2         0        0       1       0       0         0      1  -
		one.example            3         2        0       1       0       0         0      0  bob%3
		.three.example         1         0        0       0       0       0         1      0  discard:
		two.example            5         2        1       2       1       1         0      0  %1@four.example
	EOT
	)" ]
	[ "$(v domains 'T*' '.*' | awk 'NR > 1 { print $1, $2 }')" = "$(printf '.three.example 1\ntwo.example 5')" ]
	run v domains 'none*'
	[ "$status" -eq 1 ]
}

@test "domains -j: the same for programs" {
	[ "$(v domains -j two.example)" = "$(printf '[\n{"domain": "two.example", "mappings": 5, "accounts": 2, "aliases": 1, "mapped": 2, "remote": 1, "errors": 1, "discards": 0, "other": 0, "catch_all": "%%1@four.example"}\n]')" ]
	[ "$(v domains -j | json '[(r["domain"], r["catch_all"]) for r in rows]')" = "[('@', 'nobody-there'), ('four.example', None), ('one.example', 'bob%3'), ('.three.example', 'discard:'), ('two.example', '%1@four.example')]" ]
	[ "$(v domains -j 'none*')" = "[]" ]
}

@test "domains: an account of which nothing can be told is none of the other kinds" {
	echo 'zoe@one.example:x:1004:1004::/srv/other::' >>"$DIR/accounts"
	[ "$(v domains -j one.example | json '[(r["accounts"], r["mapped"], r["other"]) for r in rows]')" = "[(1, 1, 1)]" ]
}

@test "domains: mappings add up on random maps" {
	python3 - "$DIR/virtmaps" <<-'EOT'
		import random, sys
		random.seed(7)
		with open(sys.argv[1], "w") as file:
		    for n in range(3000):
		        file.write("u%d@%s.example bob\n" % (n, random.choice("abcdefgh")))
		    for name in "aceg":
		        file.write("%s.example carol\n.%s.example carol, x@y.example\n" % (name, name))
	EOT
	[ "$(v domains -j | json 'sum(r["mappings"] for r in rows), sum(r["accounts"] for r in rows), sum(r["remote"] for r in rows), len(rows)')" = "(3008, 3008, 4, 12)" ]
}

# ---- the pager -----------------------------------------------------------------------------

# pager: a program that says it was there.
pager() {
	printf '#!/bin/sh\nsed "s/^/paged: /"\necho "LESS=$LESS LESSSECURE=$LESSSECURE"\n' >"$DIR/pager"
	chmod +x "$DIR/pager"
}

@test "pager: list, export, domains, log and diff go through it on a terminal" {
	pager
	v add new@one.example bob
	echo 'hand@one.example bob' >>"$DIR/virtmaps"
	export PAGER="$DIR/pager"
	[[ $(tv list 'a@*') == "paged: a@four.example root@host.example"*"LESS=FRX LESSSECURE=" ]]
	[[ $(tv export csv) == "paged: key,target"* ]]
	[[ $(tv domains) == "paged: DOMAIN"* ]]
	[[ $(tv log) == "paged: 1  "* ]]
	[[ $(tv diff) == "paged: +hand@one.example bob"* ]]
	[ "$(tv get a@four.example)" = "$DIR/virtmaps:17: a@four.example root@host.example" ]
}

@test "pager: none in a pipe, none when it is empty or cat" {
	pager
	[ "$(PAGER=$DIR/pager v list 'a@*')" = "a@four.example root@host.example" ]
	[ "$(PAGER=$DIR/pager t -e "$BUILD/virtmap" -C "$DIR/conf" list 'a@*')" = "a@four.example root@host.example" ]
	[ "$(PAGER='' tv list 'a@*')" = "a@four.example root@host.example" ]
	[ "$(PAGER='cat' tv list 'a@*')" = "a@four.example root@host.example" ]
}

@test "pager: the status is the command's, and a reader who leaves early is no error" {
	pager
	export PAGER="$DIR/pager"
	run tv list 'none@*'
	[ "$status" -eq 1 ]
	echo 'hand@one.example bob' >>"$DIR/virtmaps"
	v build
	echo 'other@one.example bob' >>"$DIR/virtmaps"
	run tv diff
	[ "$status" -eq 1 ]
	seq -f 'u%.0f@one.example bob' 20000 >>"$DIR/virtmaps"
	run env PAGER='head -n 1' "$BATS_TEST_DIRNAME/terminal.py" "$BUILD/virtmap" -C "$DIR/conf" list
	[ "$status" -eq 0 ]
	[ "${output%"$CR"}" = "webmaster@two.example carol" ]
	run env PAGER=false "$BATS_TEST_DIRNAME/terminal.py" "$BUILD/virtmap" -C "$DIR/conf" list
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

@test "pager: one that is not there loses nothing" {
	[[ $(PAGER=/nowhere/pager tv list 'a@*') == *"a@four.example root@host.example" ]]
}

@test "pager: less by default, quit with q; Ctrl-C does not end it" {
	command -v less >/dev/null || skip "less is not installed"
	export TERM=vt100
	[[ $(tv list 'a@*') == *"a@four.example root@host.example"* ]]
	seq -f 'u%.0f@one.example bob' 20000 >>"$DIR/virtmaps"
	run "$BATS_TEST_DIRNAME/terminal.py" -k '\x03Gq' "$BUILD/virtmap" -C "$DIR/conf" list
	echo "$status: ${output: -200}"
	[ "$status" -eq 0 ]
	[[ $output == *"webmaster@two.example"* ]]
	[[ $output == *"u20000@one.example"* ]]
	[[ $output != *"u10000@one.example"* ]]
}

@test "pager: who came by sudo gets no shell out of less" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	pager
	export PAGER="$DIR/pager"
	[[ $(SUDO_UID=1000 tv list 'a@*') == *"LESSSECURE=1" ]]
	[[ $(SUDO_UID=0 tv list 'a@*') == *"LESSSECURE=" ]]
}

@test "pager: warnings stay in order of sight: they are paged as well" {
	pager
	echo 'lonely@one.example' >>"$DIR/virtmaps"
	echo '.x.example bob' >>"$DIR/virtmaps"
	export PAGER="$DIR/pager"
	sed -i '/lonely/d' "$DIR/virtmaps"
	run tv export virtusertable
	[ "$status" -eq 1 ]
	[[ $output == *"paged: export: "*" not carried over"* ]]
}

# ---- the meter -----------------------------------------------------------------------------

# large: a map of which it is told how far one is; slow COMMAND...: it has to wait for somebody
# else's lock, so that the first half second is over when it gets to work.
large() { seq -f 'u%.0f@one.example bob' 30000 >>"$DIR/virtmaps"; }
slow() {
	rm -f "$DIR/held"
	flock "$DIR/virtmaps.lock" sh -c '
		echo >"$1/held"
		until pgrep -ax virtmap | grep -qF "$1"; do sleep 0.02; done
		sleep 1' sh "$DIR" &
	while [ ! -e "$DIR/held" ]; do sleep 0.02; done
	"$@"
}

@test "progress: on a terminal it is shown and erased" {
	large
	export TERM=vt100
	run slow t "$BUILD/virtmap" -C "$DIR/conf" build
	echo "$output" | cat -v
	[ "$status" -eq 0 ]
	[[ $output == *"${ESC}[Kvirtmap: reading the map: "*" of 300"*"%)"* ]]
	[[ $output == *"${ESC}[K$DIR/virtmaps: 30012 virtual user/host mappings" ]]
}

@test "progress: what has to be said stands on a line of its own" {
	large
	echo 'lonely@one.example' >>"$DIR/virtmaps"
	export TERM=vt100
	run slow t "$BUILD/virtmap" -C "$DIR/conf" build
	[ "$status" -eq 65 ]
	[[ $output == *"${ESC}[Kvirtmap: reading the map: "*"${ESC}[K$DIR/virtmaps:30019: "* ]]
}

@test "progress: nowhere but on a terminal that can erase" {
	large
	run slow v build
	[ "$output" = "$DIR/virtmaps: 30012 virtual user/host mappings" ]
	run slow t -o "$BUILD/virtmap" -C "$DIR/conf" build
	[ "$output" = "$DIR/virtmaps: 30012 virtual user/host mappings" ]
	TERM=dumb run slow t "$BUILD/virtmap" -C "$DIR/conf" build
	[ "$output" = "$DIR/virtmaps: 30012 virtual user/host mappings" ]
}

@test "progress: with standard error alone a terminal, standard output stays clean" {
	large
	export TERM=vt100
	slow "$BATS_TEST_DIRNAME/terminal.py" -e sh -c '"$1" -C "$2" build >"$3"' sh "$BUILD/virtmap" "$DIR/conf" "$DIR/out" >"$DIR/seen"
	[ "$(cat "$DIR/out")" = "$DIR/virtmaps: 30012 virtual user/host mappings" ]
	grep -q 'reading the map: ' "$DIR/seen"
	[ "$(tail -c 3 "$DIR/seen")" = "$(printf '\033[K')" ]
}
