#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmap's rename, batch, edit, log, undo, diff and -n: what they change, what they leave alone, and
# what the history says of it. Works for any user in a directory of its own.

load map

setup() {
	begin 'aliases = none' 'postmaster = bob'
	cat >"$DIR/accounts" <<-'EOT'
		bob:x:1001:1001::/home/bob::
		carol:x:1002:1002::/home/carol::
	EOT
	cat >"$DIR/virtmaps" <<-'EOT'
		# Our two domains.

		webmaster@one.example    bob
		Info@one.example         bob, carol  
		webmaster@two.example    carol
		# Everybody else.
		@one.example             carol%3
	EOT
	unset VISUAL EDITOR SUDO_USER SUDO_UID
	v build >/dev/null
	cp "$DIR/virtmaps" "$DIR/first"
}

# would WORDS COMMAND -n ...: it says WORDS, and nothing has changed.
would() { local words=$1; shift; fails 0 "$words" "$@"; }

# is_first: text and compiled map are those of setup.
is_first() {
	diff "$DIR/first" "$DIR/virtmaps"
	v diff
	v -o postmaster=bob check
}

# ---- rename --------------------------------------------------------------------------------

@test "rename: the line stays where it is, with its target and column" {
	run v rename webmaster@ONE.example hostmaster@one.example
	[ "$output" = "renamed webmaster@ONE.example to hostmaster@one.example" ]
	[ "$(sed -n 3p "$DIR/virtmaps")" = "hostmaster@one.example   bob" ]
	[ "$(diff "$DIR/first" "$DIR/virtmaps" | grep -c '^[<>]')" -eq 2 ]
	[ "$(v resolve -q hostmaster@one.example)" = "account bob" ]
	fails 1 "nobody@one.example: not mapped" rename nobody@one.example x@one.example
	fails 1 "already mapped" rename info@one.example Webmaster@two.example
	fails 65 "" rename info@one.example 'x@@'
	v undo
	is_first
}

# ---- -n ------------------------------------------------------------------------------------

@test "-n: says what would change, and changes nothing" {
	would "would be added new@one.example -> bob" add -n new@one.example bob
	would "would be set info@one.example -> bob (was bob, carol)" set -n info@one.example bob
	would "would be removed info@one.example (was bob, carol)" rm -n info@one.example
	would "would be renamed info@one.example to x@one.example" rename -n info@one.example x@one.example
	fails 1 "is there already" add -n info@one.example bob
	fails 1 "no such mapping" rm -n nobody@one.example
	fails 65 "circle" add -n a@one.example a@one.example
	echo 'add n@one.example bob' >"$DIR/edits"
	would "would be added n@one.example -> bob" batch -n "$DIR/edits"
	VISUAL="sed -i s/carol%3/bob/" would "would be set @one.example -> bob (was carol%3)" edit -n
	[ -z "$(find "$DIR" -name '*.edit.*')" ]
	v rm info@one.example
	would "would undo 1 (rm, " undo -n
	[[ $output == *"would be added info@one.example -> bob, carol"* ]]
	run v -o "map=$DIR/none" add -n a@one.example bob
	[ "$status" -eq 0 ]
	[ ! -e "$DIR/none" ]
	[ ! -e "$DIR/none.lock" ]
}

# ---- batch ---------------------------------------------------------------------------------

@test "batch: all of it, later lines see earlier ones, one record" {
	run v batch <<-'EOT'
		# comments and blank lines

		add new@one.example bob
		rename new@one.example newer@one.example
		  set newer@one.example   bob, carol  
		rm info@one.example
		add info@one.example carol
		set "a b"@two.example error:nouser No such user
	EOT
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "3 added, 1 set, 1 removed, 1 renamed" ]
	[ "$(v get newer@one.example)" = "bob, carol" ]
	[ "$(v get '"a b"@two.example')" = "error:nouser No such user" ]
	[ "$(v log -j | wc -l)" -eq 1 ]
	v undo
	is_first
	v undo
	[ "$(v get info@one.example)" = carol ]
}

@test "batch: one wrong line and nothing is done, but all of them are told" {
	cat >"$DIR/edits" <<-'EOT'
		add good@one.example bob
		add info@one.example bob
		rm nobody@one.example
		frobnicate x y
		add x@one.example
		rm x@one.example y@one.example
		set x@one.example |/bin/sh
		add good@one.example carol
	EOT
	fails 65 "7 of the lines cannot be done" batch "$DIR/edits"
	local n
	for n in 2 3 4 5 6 7 8; do [[ $output == *"edits:$n: "* ]]; done
	fails 66 "No such file" batch "$DIR/nosuch"
	printf 'add a@one.example bob\nadd b@one.example \0bob\n' >"$DIR/edits"
	fails 65 "edits:2: the line holds a NUL byte" batch "$DIR/edits"
	printf 'add a@one.example b@one.example\nadd b@one.example a@one.example\n' >"$DIR/edits"
	fails 65 "circle" batch "$DIR/edits"
}

@test "batch of ten thousand lines on a map of a hundred thousand, and back" {
	awk 'BEGIN { for (i = 0; i < 100000; i++) printf "u%d@d%d.example\tbob\n", i, i % 1000 }' >"$DIR/virtmaps"
	v build
	cp "$DIR/virtmaps" "$DIR/first"
	awk 'BEGIN { for (i = 0; i < 2500; i++) {
		printf "rm u%d@d%d.example\nset u%d@d%d.example carol\n", i, i % 1000, i + 3000, i % 1000
		printf "add n%d@d%d.example bob\nrename u%d@d%d.example r%d@d%d.example\n", i, i % 1000, i + 6000, i % 1000, i, i % 1000 } }' >"$DIR/edits"
	v log -j >"$DIR/log" # the hand edit of this test
	run v batch "$DIR/edits"
	echo "$output"
	[ "$output" = "2500 added, 2500 set, 2500 removed, 2500 renamed" ]
	[ "$(v log -j | wc -l)" -eq $(($(wc -l <"$DIR/log") + 1)) ]
	v undo >"$DIR/said"
	cmp "$DIR/first" "$DIR/virtmaps"
}

# ---- log -----------------------------------------------------------------------------------

@test "log: who, when, what; by key; as JSON" {
	v add new@one.example bob
	v set NEW@one.example carol
	v rm new@one.example info@one.example
	fails 1 "" rm nobody@one.example
	v set webmaster@one.example bob # as it is: nothing to tell
	run v log
	[[ ${lines[0]} == "3  20"*"Z  $(id -un)  rm" ]]
	[ "${lines[1]}" = "  removed info@one.example (was bob, carol)" ]
	[ "${lines[2]}" = "  removed new@one.example (was carol)" ]
	[[ ${lines[3]} == "2  "*"  set" ]]
	[ "${lines[4]}" = "  set new@one.example -> carol (was bob)" ]
	[ "${lines[6]}" = "  added new@one.example -> bob" ]
	run v log INFO@one.example
	[ "${#lines[@]}" -eq 2 ]
	run v log nobody@one.example
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	v log -j | python3 -c '
import json, os, sys
records = [json.loads(line) for line in sys.stdin]
assert [r["number"] for r in records] == [3, 2, 1]
assert all(r["uid"] == os.getuid() for r in records)
assert records[0]["changes"][0] == {"key": "info@one.example", "old": "bob, carol", "new": None,
    "line": 4, "was": "Info@one.example         bob, carol  "}
assert records[1]["before"] == records[2]["after"]'
	[ "$(stat -c %a "$DIR/virtmaps.log")" = 600 ]
}

@test "log: bytes that are no UTF-8 come back as they were" {
	v set info@one.example "$(printf 'error:nouser caf\351')"
	v set info@one.example bob
	v log | grep -qF 'error:nouser caf\351'
	v undo
	[ "$(grep -ac "$(printf 'caf\351')" "$DIR/virtmaps")" -eq 1 ]
}

@test "log: root who came by sudo is named" {
	[ "$(id -u)" -eq 0 ] || skip "needs root: another's environment is no witness"
	SUDO_USER=alice SUDO_UID=1234 v add new@one.example bob
	run v log
	[[ ${lines[0]} == *"Z  alice as root  add" ]]
	v log -j | grep -q '"sudo_uid":1234,"sudo_user":"alice"'
}

@test "log: who is no root is not believed about sudo" {
	[ "$(id -u)" -ne 0 ] || skip "root's environment is believed"
	SUDO_USER=alice SUDO_UID=1234 v add new@one.example bob
	run v log -j
	[[ $output != *alice* ]]
}

@test "log: torn lines and gaps are passed over, and the next edit closes them" {
	v add a@one.example bob
	printf '{"number":2,"time":"20' >>"$DIR/virtmaps.log"
	run --separate-stderr v log -j
	[ "${#lines[@]}" -eq 1 ]
	[[ $stderr == *"1 line of the history cannot be read"* ]]
	v add b@one.example bob
	[ "$(v log -j 2>/dev/null | wc -l)" -eq 2 ]
	v undo
	[ "$(v log -j 2>/dev/null | sed 's/,.*//' | tr -d '\n')" = '{"number":3{"number":2{"number":1' ]
}

@test "log: a large file becomes .log.1, numbers go on, undo reaches back" {
	local i
	v add first@one.example bob
	for i in 2 3 4; do
		awk -v i=$i 'BEGIN { for (n = 0; n < 6000; n++) printf "add long-key-%d-%d@one.example carol, bob, carol, bob\n", i, n }' | v batch
	done
	v set first@one.example carol
	[ -e "$DIR/virtmaps.log.1" ]
	[ "$(wc -l <"$DIR/virtmaps.log")" -eq 1 ]
	[ "$(v log -j | sed 's/,.*//' | tr -d '\n')" = '{"number":5{"number":4{"number":3{"number":2{"number":1' ]
	v undo 5
	v undo 1
	run v get first@one.example
	[ "$status" -eq 1 ]
}

@test "log: a record of a change that never came is void" {
	v add a@one.example bob
	mkdir "$DIR/kept"
	cp -p "$DIR/virtmaps" "$DIR/virtmaps.gdbm" "$DIR/kept"
	v add b@one.example bob
	cp -p "$DIR/kept"/* "$DIR"
	[ "$(v log -j | wc -l)" -eq 1 ]
	v add c@one.example bob
	[ "$(v log -j | wc -l)" -eq 2 ]
	grep -q '^{"void":2}$' "$DIR/virtmaps.log"
	run v log b@one.example
	[ "$status" -eq 1 ]
	v undo
	run v get c@one.example
	[ "$status" -eq 1 ]
	[ "$(v get a@one.example)" = bob ]
}

# ---- edits by hand -------------------------------------------------------------------------

@test "diff: nothing, and what a hand has changed" {
	run v diff
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
	sed -i -e 's/^webmaster@one.*/new@one.example bob/' -e 's/carol%3/bob/' "$DIR/virtmaps"
	run v diff
	[ "$status" -eq 1 ]
	[ "$(sort <<<"$output")" = "$(sort <<-'EOT'
		+new@one.example bob
		-@one.example carol%3
		+@one.example bob
		-webmaster@one.example bob
	EOT
	)" ]
	run v diff -j
	[ "$(python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' <<<"$output")" = 3 ]
	printf 'bad@one.example error:nouser \377\n' >>"$DIR/virtmaps"
	run v diff -j
	[ "$status" -eq 1 ]
	grep -qxF '{"key": "bad@one.example", "old": null, "new": {"hex": "6572726f723a6e6f7573657220ff"}}' <<<"${output//\},/\}}"
	rm "$DIR/virtmaps.gdbm"
	run v diff
	[ "$status" -eq 66 ]
}

@test "what a hand has changed is in the log, and undo takes it back" {
	sed -i -e '/^Info/d' -e 's/carol%3/bob/' "$DIR/virtmaps"
	echo 'hand@two.example bob' >>"$DIR/virtmaps"
	v build
	v build
	[ "$(v log -j | wc -l)" -eq 1 ]
	run v log
	[[ ${lines[0]} == "1  "*"  hand-edit" ]]
	[[ $output == *"added hand@two.example -> bob"*"set @one.example -> bob (was carol%3)"*"removed info@one.example (was bob, carol)"* ]] ||
		[[ $output == *"set @one.example -> bob (was carol%3)"*"added hand@two.example -> bob"*"removed info@one.example (was bob, carol)"* ]]
	v undo
	[ "$(v get info@one.example)" = "bob, carol" ]
	[ "$(v get @one.example)" = "carol%3" ]
	run v get hand@two.example
	[ "$status" -eq 1 ]
}

@test "a hand edit that an edit carries along is noted in front of it" {
	echo 'hand@two.example bob' >>"$DIR/virtmaps"
	fails 1 "is there already" add hand@two.example bob
	v add a@one.example bob
	[ "$(v log -j | grep -o '"verb":"[a-z-]*"' | tr -d '\n')" = '"verb":"add""verb":"hand-edit"' ]
	v undo 1
	[ "$(v get a@one.example)" = bob ]
	run v get hand@two.example
	[ "$status" -eq 1 ]
}

@test "a hand edit with a damaged compiled map: known that, not what" {
	v add a@one.example bob
	echo 'hand@two.example bob' >>"$DIR/virtmaps"
	: >"$DIR/virtmaps.gdbm"
	v build
	run v log
	[[ ${lines[1]} == "  what changed is not known" ]]
	fails 1 "2 cannot be undone" undo
}

# ---- undo ----------------------------------------------------------------------------------

@test "undo: to the byte, and back again" {
	v rm info@one.example
	v undo
	is_first
	v undo
	run v get info@one.example
	[ "$status" -eq 1 ]
	v undo
	is_first
	v set @one.example bob
	v undo
	is_first
	printf '# no newline\nlast@two.example bob' >>"$DIR/virtmaps"
	v build
	cp "$DIR/virtmaps" "$DIR/first"
	v add x@three.example bob
	v undo
	is_first
	v rm last@two.example
	v undo
	is_first
	v set last@two.example carol
	v undo
	is_first
}

@test "undo N: another line may have changed since, this one not" {
	v rm webmaster@one.example                 # 1
	v set info@one.example carol               # 2
	v add x@two.example bob                    # 3
	v batch <<<$'set x@two.example carol\nrm @one.example' # 4
	fails 1 "x@two.example: is carol now, but 3 left it bob" undo 3
	v undo 1
	[ "$(v get webmaster@one.example)" = bob ]
	grep -qx 'webmaster@one.example    bob' "$DIR/virtmaps"
	fails 1 "webmaster@one.example: is bob now, but 1 left none" undo 1
	v set x@two.example bob
	v add @one.example bob
	fails 1 "the map has moved on in 2 places" undo 4
	fails 1 "not in the log" undo 99
	fails 64 "no number" undo x
	fails 64 "no number" undo ''
	fails 64 "no number" undo 0
	v undo 2
	[ "$(v get info@one.example)" = "bob, carol" ]
	v log | grep -q '  undo of 2$'
}

@test "undo: an empty log" {
	fails 1 "the log is empty" undo
}

# ---- edit ----------------------------------------------------------------------------------

# An editor for tests: EDITOR="sh FILE" with the commands in FILE, \$1 the text.
editor() {
	printf '%s\n' "$@" >"$DIR/editor"
	export VISUAL="sh '$DIR/editor'"
}

no_copies() { [ -z "$(find "$DIR" -name 'virtmaps.edit.*')" ]; }

@test "edit: published, recorded, undone" {
	editor 'stat -c "%a %n" "$1" >"'"$DIR"'/seen"' 'sed -i -e "s/^webmaster@two/hostmaster@two/" -e "s/carol%3/bob/" "$1"'
	run v edit
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"removed webmaster@two.example (was carol)"*"set @one.example -> bob (was carol%3)"*"added hostmaster@two.example -> carol"* ]]
	[[ $(cat "$DIR/seen") == "600 $DIR/virtmaps.edit."* ]]
	no_copies
	[ "$(v resolve -q hostmaster@two.example)" = "account carol" ]
	v undo
	is_first
}

@test "edit: unchanged, only comments, VISUAL before EDITOR before vi" {
	EDITOR=true run v edit
	[ "$output" = "$DIR/virtmaps: unchanged" ]
	VISUAL=true EDITOR=false run v edit
	[ "$status" -eq 0 ]
	no_copies
	editor 'echo "# more" >>"$1"'
	run v edit
	[ "$output" = "no mapping changed, only the text around them" ]
	fails 1 "1 changed no mapping" undo
	mkdir "$DIR/bin"
	printf '#!/bin/sh\necho "# by vi" >>"$1"\n' >"$DIR/bin/vi"
	chmod 755 "$DIR/bin/vi"
	unset VISUAL
	PATH=$DIR/bin:$PATH v edit
	tail -n 1 "$DIR/virtmaps" | grep -qx '# by vi'
}

@test "edit: wrong lines are told, the map stays, the work is kept" {
	editor 'echo "lonely@one.example" >>"$1"'
	fails 65 "virtmaps:8: lonely@one.example: there is no target" edit
	[[ $output == *"what was written is kept in $DIR/virtmaps.edit."* ]]
	grep -qx lonely@one.example "$DIR"/virtmaps.edit.*
	rm "$DIR"/virtmaps.edit.*
	editor 'printf "a@one.example b@one.example\nb@one.example a@one.example\n" >>"$1"'
	fails 65 "circle" edit
	rm "$DIR"/virtmaps.edit.*
	editor 'echo "half@one.example bob" >>"$1"' 'exit 1'
	fails 1 "ended with status 1" edit
	grep -qx 'half@one.example bob' "$DIR"/virtmaps.edit.*
	rm "$DIR"/virtmaps.edit.*
	VISUAL=false fails 1 "ended with status 1" edit
	[[ $output != *kept* ]]
	no_copies
}

@test "edit: on a terminal it is offered again, or thrown away" {
	command -v script >/dev/null || skip "needs script"
	editor 'if [ -e "'"$DIR"'/once" ]; then sed -i /lonely/d "$1"; echo "good@one.example bob" >>"$1"; else touch "'"$DIR"'/once"; echo lonely >>"$1"; fi'
	echo e | script -qec "'$BUILD/virtmap' -C '$DIR/conf' edit" /dev/null >"$DIR/said"
	cat "$DIR/said"
	grep -q 'virtmaps:8: ' "$DIR/said"
	[ "$(v get good@one.example)" = bob ]
	editor 'echo lonely >>"$1"'
	before=$(state)
	echo t | script -qec "'$BUILD/virtmap' -C '$DIR/conf' edit" /dev/null >"$DIR/said" || :
	[ "$(state)" = "$before" ]
	no_copies
}

@test "edit: a second one is told at once who holds it; interrupts are the editor's" {
	mkfifo "$DIR/go" "$DIR/there"
	editor 'echo >"'"$DIR"'/there"; read -r x <"'"$DIR"'/go"; echo "slow@one.example bob" >>"$1"'
	"$BUILD/virtmap" -C "$DIR/conf" edit >"$DIR/said" &
	local pid=$!
	read -r _ <"$DIR/there"
	kill -INT $pid
	kill -QUIT $pid
	VISUAL=true run v edit
	echo "$output"
	[ "$status" -eq 75 ] || { echo >"$DIR/go"; false; }
	[[ $output == *"$(id -un) is editing it: "*"is locked by process "* ]]
	echo >"$DIR/go"
	wait $pid
	[ "$(v get slow@one.example)" = bob ]
}

# ---- many at once, and any of them ----------------------------------------------------------

@test "fifty adds at once: the log has each of them, none twice" {
	local i bad=0 pids=()
	for i in $(seq 50); do
		v add "user$i@one.example" bob >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || bad=$((bad + 1)); done
	[ "$bad" -eq 0 ]
	[ "$(v log -j | sed 's/,.*//' | sort -u | wc -l)" -eq 50 ]
	[ "$(v log | grep -c '^  added user')" -eq 50 ]
	[ "$(v log | grep '^  added user' | sort -u | wc -l)" -eq 50 ]
}

@test "random edits leave every other line alone, and undoing all of them is the first text" {
	python3 - "$BUILD/virtmap" "$DIR" <<-'EOT'
		import random, subprocess, sys
		virtmap, where = sys.argv[1:]
		def run(*args, text=None):
		    return subprocess.run([virtmap, "-C", where + "/conf", *args], input=text,
		                          capture_output=True, text=True)
		def lines():
		    with open(where + "/virtmaps") as file:
		        return file.read().splitlines()
		def key():
		    return "%s@%s.example" % (random.choice(["", "a", "b", "webmaster", "info"]),
		                              random.choice(["one", "two"]))
		first, seed, done = lines(), random.randrange(10 ** 6), 0
		print("seed", seed)
		random.seed(seed)
		for _ in range(60):
		    before = lines()
		    verb = random.choice(["add", "set", "rm", "rename", "batch"])
		    one = {"add": [key(), "bob"], "set": [key(), "carol"], "rm": [key()], "rename": [key(), key()]}
		    if verb == "batch":
		        text = "".join("%s %s\n" % (v, " ".join(one[v])) for v in random.sample(sorted(one), 2))
		        most, done_one = 4, run("batch", text=text)
		        named = text.lower().split()
		    else:
		        most, done_one = 2, run(verb, *one[verb])
		        named = []
		    after = lines()
		    rest = lambda text: [l for l in text if not l or l.startswith("#")]
		    assert rest(before) == rest(after), (before, after)
		    gone, come = [l for l in before if l not in after], [l for l in after if l not in before]
		    assert len(gone) + len(come) <= most, (verb, before, after)
		    # A batch can rename a line away and add the same again.
		    same = lambda text, other: [l for l in text if l in other and (not l or l.split()[0].lower() not in named)]
		    assert same(before, after) == same(after, before), (verb, before, after)
		    if done_one.returncode != 0:
		        assert before == after
		    elif before != after:
		        done += 1
		assert done > 10, done
		for number in range(done, 0, -1):
		    undone = run("undo", str(number))
		    assert undone.returncode == 0, (number, undone.stderr)
		assert sorted(lines()) == sorted(first), (first, lines())
		assert run("diff").returncode == 0
	EOT
}

@test "who reads while a thousand edits are made gets an old answer or a new one, at once" {
	# So many mappings that an edit is published as a layer; every so often all of it is compiled.
	seq -f 'u%g@many.example bob' 1500 >>"$DIR/virtmaps"
	v build >/dev/null
	python3 - "$BUILD/virtmap" "$DIR" <<-'EOT'
		import os, subprocess, sys
		virtmap, directory = sys.argv[1:]
		command = [virtmap, "-C", directory + "/conf"]
		edits = r'''
		i=0
		while [ $i -lt 250 ]; do
		    "$0" -C "$1/conf" set flip@many.example carol && "$0" -C "$1/conf" add new$i@one.example bob &&
		    "$0" -C "$1/conf" set flip@many.example bob && "$0" -C "$1/conf" rm new$i@one.example || exit 1
		    i=$((i + 1))
		done >/dev/null'''
		writer = subprocess.Popen(["sh", "-c", edits, virtmap, directory])
		asked, layers, flips = 0, 0, set()
		while True:
		    over = writer.poll() is not None
		    done = subprocess.run(command + ["resolve", "-q", "webmaster@one.example", "u700@many.example",
		                          "flip@many.example", "nobody@many.example", "new7@one.example", "x@none.example"],
		                          capture_output=True, text=True, timeout=5)
		    answers = done.stdout.splitlines()
		    # Between its two renames an edit must not look like one by hand.
		    assert done.stderr == "", done
		    assert len(answers) == 6, done
		    assert answers[:2] == ["account bob", "account bob"], done
		    assert answers[2] in ("account bob", "account carol", "nouser"), done
		    assert answers[3] == "nouser", done
		    assert answers[4] in ("account carol", "account bob"), done
		    assert answers[5].startswith("defer"), done
		    flips.add(answers[2])
		    layers += os.path.exists(directory + "/virtmaps.gdbm.base")
		    asked += 1
		    if over:
		        break
		assert writer.returncode == 0
		print(asked, layers, flips)
		assert asked > 100 and 0 < layers and {"account bob", "account carol"} <= flips
	EOT
	[ "$(v log | grep -c .)" -ge 1000 ]
	run v diff
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}
