#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmap's commands, one after the other: what each prints and how it exits, every kind of bad
# input, and that after a failure nothing has changed. Works for any user in a directory of its own.

load map
ESC=$(printf '\033')

setup() {
	begin 'aliases = @DIR/aliases' 'accepted_domains = none' 'mailbox = maildir:~/Maildir'
	cat >"$DIR/accounts" <<-'EOT'
		bob:x:1001:1001::/home/bob::
		carol:x:1002:1002::/home/carol::userdb_mail=mbox:~/mbox userdb_quota_rule=*:storage=1G
		zoe@one.example:x:1003:1003::/srv/zoe::
		homeless:x:1004:1004::::
		admin:x:0:0::/root::
	EOT
	cat >"$DIR/aliases" <<-'EOT'
		postmaster: bob
		team: bob, carol
	EOT
	cat >"$DIR/virtmaps" <<-'EOT'
		# Our two domains.

		webmaster@one.example    bob
		webmaster@two.example    carol
		# Everybody else.
		@one.example             carol%3
	EOT
}

# ---- build ---------------------------------------------------------------------------------

@test "build compiles, lists the domains, indexes the accounts" {
	run --separate-stderr v build
	[ "$status" -eq 0 ]
	[ "$output" = "$DIR/virtmaps: 3 virtual user/host mappings" ]
	[ "$stderr" = "" ]
	[ "$(sort "$DIR/domains")" = "$(printf 'one.example\ntwo.example')" ]
	[ "$(stat -c %a "$DIR/virtmaps.gdbm")" = 644 ]
	[ -s "$DIR/accounts.gdbm" ]
	[ "$(v resolve -q webmaster@one.example)" = "account bob" ]
}

@test "vnewvirtmaps is virtmap build" {
	ln -s "$BUILD/virtmap" "$DIR/vnewvirtmaps"
	run "$DIR/vnewvirtmaps" -n -C "$DIR/conf"
	[ "$status" -eq 0 ]
	[ ! -e "$DIR/virtmaps.gdbm" ]
	run "$DIR/vnewvirtmaps" -C "$DIR/conf" -o "domains=$DIR/elsewhere"
	[ "$status" -eq 0 ]
	[ "$output" = "$DIR/virtmaps: 3 virtual user/host mappings" ]
	[ -e "$DIR/elsewhere" ]
	run "$DIR/vnewvirtmaps" -C "$DIR/conf" more
	[ "$status" -eq 64 ]
}

@test "build -n looks and writes nothing" {
	run v build -n
	[ "$status" -eq 0 ]
	[ "$output" = "$DIR/virtmaps: 3 virtual user/host mappings" ]
	[ "$(ls "$DIR")" = "$(printf 'accounts\naliases\nconf\nvirtmaps')" ]
}

@test "a malformed line: file, line and reason, and the old map stays" {
	local line why
	v build
	cp "$DIR/virtmaps" "$DIR/good"
	while IFS='|' read -r line why; do
		{ cat "$DIR/good"; printf '%b\n' "$line"; echo 'last@one.example bob'; } >"$DIR/virtmaps"
		fails 65 "$DIR/virtmaps:7: $why" build
		fails 65 "$DIR/virtmaps:7: $why" build -n
		fails 65 "$DIR/virtmaps:7: $why" add new@one.example bob
		fails 65 "$DIR/virtmaps:7: $why" rm webmaster@one.example
		[ "$(v resolve -q webmaster@one.example)" = "account bob" ]
	done <<-'EOT'
		lonely@one.example|
		bob@one..example bob|
		@@ bob|
		a@one.example \0174prog|
		a@one.example /var/mail/x|
		a@one.example :include:/x|
		a@one.example error:|
		a@one.example bob, error:nouser x|
		a@one.example "bob|
		a@one.example b\0001b|
		WEBMASTER@one.example. carol|
	EOT
}

@test "all faults are told, not just the first" {
	printf 'a@one.example\nb@one.example bob\nc@one.example |x\n@one.example bob\none.example bob\n' >"$DIR/virtmaps"
	run v build
	[ "$status" -eq 65 ]
	[[ $output == *"virtmaps:1: "*"virtmaps:3: "*"virtmaps:5: "* ]]
}

@test "mappings that go round in a circle" {
	v build
	v add a@one.example b@one.example
	v add b@one.example c@two.example
	fails 65 "circle" add c@two.example a@one.example
	fails 65 "circle" set b@one.example a@one.example
	echo 'c@two.example a@one.example' >>"$DIR/virtmaps"
	fails 65 "circle" build
	fails 65 "circle" build -n
	fails 65 "circle" check
}

@test "an account's own address ends a chain" {
	v add zoe@two.example zoe@one.example
	v add zoe@one.example zoe@two.example
	[ "$(v resolve -q zoe@two.example)" = "account zoe@one.example" ]
}

@test "a faulty passwd-file: the map is compiled, the index is not" {
	echo 'broken' >>"$DIR/accounts"
	run v build
	[ "$status" -eq 65 ]
	[[ $output == *"accounts:6: no uid"* ]]
	[ -e "$DIR/virtmaps.gdbm" ]
	[ ! -e "$DIR/accounts.gdbm" ]
}

@test "map_group: mode 0640, and a group that is not there" {
	local group
	group=$(id -gn 2>/dev/null) || skip "the group of this user has no name"
	run v -o "map_group=$group" build
	[ "$status" -eq 0 ]
	[ "$(stat -c '%a %G' "$DIR/virtmaps.gdbm")" = "640 $group" ]
	fails 78 "there is no such group" -o map_group=no-such-group build
}

# ---- list and get --------------------------------------------------------------------------

@test "list: all of it, what matches, and nothing" {
	[ "$(v list)" = "$(printf '%s\n' 'webmaster@one.example bob' 'webmaster@two.example carol' \
		'@one.example          carol%3')" ]
	[ "$(v list 'WEB*')" = "$(printf '%s\n' 'webmaster@one.example bob' 'webmaster@two.example carol')" ]
	[ "$(v list 'bob')" = 'webmaster@one.example bob' ]
	run v list nothing
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	: >"$DIR/virtmaps"
	run v list
	[ "$status" -eq 0 ]
}

@test "list shows what is well-formed, complains of the rest" {
	echo 'broken' >>"$DIR/virtmaps"
	run --separate-stderr v list
	[ "$status" -eq 65 ]
	[ "${#lines[@]}" -eq 3 ]
	[[ $stderr == *"virtmaps:7: "* ]]
}

@test "get: the target, in any spelling of the key" {
	[ "$(v get webmaster@one.example)" = bob ]
	[ "$(v get WEBMASTER@One.Example.)" = bob ]
	[ "$(v get one.example)" = 'carol%3' ]
	[ "$(v get @one.example)" = 'carol%3' ]
	run v get other@one.example
	[ "$status" -eq 1 ]
	[[ $output == *"no such mapping"* ]]
	run v get 'a@b..c'
	[ "$status" -eq 65 ]
}

# ---- add, set, rm --------------------------------------------------------------------------

@test "the first mapping makes the map" {
	rm "$DIR/virtmaps"
	umask 077
	run --separate-stderr v add info@one.example bob
	[ "$status" -eq 0 ]
	[ "$output" = "added info@one.example -> bob" ]
	[ "$(stat -c %a "$DIR/virtmaps")" = 644 ]
	[ "$(stat -c %a "$DIR/virtmaps.gdbm")" = 644 ]
	[ "$(v resolve -q info@one.example)" = "account bob" ]
}

@test "a first mapping that is refused makes nothing" {
	rm "$DIR/virtmaps"
	fails 65 circle add a@one.example a@one.example
	[ ! -e "$DIR/virtmaps" ]
	fails 65 "" add a@one.example ''
	[ ! -e "$DIR/virtmaps" ]
}

@test "add is compiled at once; comments, order and the other lines stay" {
	cp "$DIR/virtmaps" "$DIR/before"
	run v add info@one.example team
	[ "$status" -eq 0 ]
	[ "$(v resolve -q info@one.example)" = "alias team" ]
	[ "$(diff "$DIR/before" "$DIR/virtmaps" | grep -c '^<')" -eq 0 ]
	[ "$(diff "$DIR/before" "$DIR/virtmaps" | grep -c '^>')" -eq 1 ]
}

@test "add refuses a key that is there, in any spelling" {
	v build
	fails 1 "is there already: bob" add WebMaster@ONE.example. carol
	fails 1 "is there already: carol%3" add one.example bob
}

@test "set replaces where it stands, or adds" {
	cp "$DIR/virtmaps" "$DIR/before"
	run v set Webmaster@one.example carol
	[ "$output" = "set Webmaster@one.example -> carol (was bob)" ]
	[ "$(diff "$DIR/before" "$DIR/virtmaps" | grep -c '^[<>]')" -eq 2 ]
	[ "$(sed -n 3p "$DIR/virtmaps" | awk '{print $2}')" = carol ]
	[ "$(v resolve -q webmaster@one.example)" = "account carol" ]
	run v set webmaster@one.example carol
	[ "$output" = "unchanged webmaster@one.example -> carol" ]
	run v set new@one.example bob
	[ "$output" = "added new@one.example -> bob" ]
}

@test "rm: all or nothing" {
	v build
	fails 1 "nobody@two.example: no such mapping" rm webmaster@one.example nobody@two.example
	fails 1 "no such mapping" rm webmaster@one.example WEBMASTER@one.example
	run v rm webmaster@one.example WEBMASTER@two.example
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "removed webmaster@one.example (was bob)" ]
	[ "${lines[1]}" = "removed WEBMASTER@two.example (was carol)" ]
	[ "$(grep -c '^#' "$DIR/virtmaps")" -eq 2 ]
	[ "$(v list | wc -l)" -eq 1 ]
	[ "$(cat "$DIR/domains")" = one.example ]
}

@test "the owner's mode of the text stays" {
	chmod 640 "$DIR/virtmaps"
	v add info@one.example bob
	[ "$(stat -c %a "$DIR/virtmaps")" = 640 ]
}

@test "keys and targets that are none" {
	local key target why
	v build
	while IFS='~' read -r key target why; do
		fails 65 "$why" add "$(printf '%b' "$key")" "$(printf '%b' "$target")"
		fails 65 "$why" set "$(printf '%b' "$key")" "$(printf '%b' "$target")"
	done <<-'EOT'
		~bob~empty
		a@one..example~bob~
		a@~bob~
		a b@one.example~bob~
		a\nb@one.example~bob~
		a@one.example~~empty
		a@one.example~|/bin/sh~alias
		a@one.example~/var/mail/x~
		a@one.example~:include:/etc/passwd~alias
		a@one.example~bob, |/bin/sh~alias
		a@one.example~bob,,carol~
		a@one.example~error:~
		a@one.example~error:nosuchword text~
		a@one.example~discard: bob~
		a@one.example~"bob~
		a@one.example~bob\nevil@one.example carol~control character
		a@one.example~b\0033[2Job~control character
	EOT
	fails 65 "" rm 'a@one..example'
}

@test "a name that is nobody's is taken, with a warning" {
	run --separate-stderr v add info@one.example nobody
	[ "$status" -eq 0 ]
	[ "$output" = "added info@one.example -> nobody" ]
	[ "$stderr" = "virtmap: warning: nobody is no alias and no account" ]
	run --separate-stderr v add boss@one.example 'admin, team'
	[[ $stderr == *"admin has uid 0"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "two hundred adds at once: all of them are there" {
	local i bad=0 pids=()
	for i in $(seq 200); do
		v add "user$i@one.example" bob >/dev/null 2>"$DIR/complaint.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || bad=$((bad + 1)); done
	cat "$DIR"/complaint.*
	[ "$bad" -eq 0 ]
	[ "$(v list 'user*' | wc -l)" -eq 200 ]
	[ "$(v log | grep -c '^  added user')" -eq 200 ]
	[ "$(v log | grep '^  added user' | sort -u | wc -l)" -eq 200 ]
	[ "$(v log -j | sed 's/,.*//' | sort -u | wc -l)" -eq 200 ]
	[ "$(v resolve -q user200@one.example)" = "account bob" ]
	run v check
	[ "$status" -eq 0 ]
	[ -z "$(find "$DIR" -name '*.new.*')" ]
}

@test "readers during changes always see a whole map" {
	local i
	v build
	(for i in $(seq 60); do v set flip@two.example "$([ $((i % 2)) -eq 0 ] && echo bob || echo carol)"; done) >/dev/null &
	for i in $(seq 120); do
		[ "$(v resolve -q webmaster@one.example 2>/dev/null)" = "account bob" ]
	done
	wait $!
}

# ---- resolve -------------------------------------------------------------------------------

@test "resolve -q: a line and a status" {
	local want line recipient
	cat >"$DIR/virtmaps" <<-'EOT'
		webmaster@one.example bob
		team@one.example      team
		away@one.example      "a b"@elsewhere.example, bob
		gone@one.example      error:5.7.1:550 Gone fishing
		busy@one.example      error:tempfail Later
		null@one.example      discard:
		lost@one.example      nobody
		homeless@one.example  homeless
		+*@two.example        carol%3
	EOT
	v build
	while IFS='|' read -r want recipient line; do
		run --separate-stderr v resolve -q -- "$recipient"
		echo "$recipient: $status: $output $stderr"
		[ "$status" -eq "$want" ]
		[ "$output" = "$line" ]
	done <<-'EOT'
		0|webmaster@one.example|account bob
		0|WEBMASTER+x@One.Example|account bob
		0|x+lists@two.example|account carol+lists
		0|team@one.example|alias team
		0|away@one.example|forward "a b"@elsewhere.example,bob
		0|null@one.example|discard
		0|bob|account bob
		0|zoe@one.example|account zoe@one.example
		67|nobody@one.example|nouser
		67|team|nouser
		67|-oops@one.example|nouser
		67|../../etc/passwd@one.example|nouser
		69|gone@one.example|reject 5.7.1 Gone fishing
		75|busy@one.example|defer Later
		75|lost@one.example|defer lost@one.example -> nobody: nobody is no alias and no account
		75|x@elsewhere.example|defer x@elsewhere.example: domain elsewhere.example is neither in the map nor in local_domains
	EOT
	run v resolve -q bob@
	[ "$status" -eq 69 ]
	[[ $output == "reject 5.1.3 "* ]]
	# An account whose mailbox has no place is no place for mail.
	run v resolve -q homeless@one.example
	[ "$status" -eq 75 ]
	[[ $output == "defer "* ]]
}

@test "resolve of several: the worst counts, and could-not-tell is the worst" {
	printf 'a@one.example bob\nb@one.example error:nouser x\nc@one.example error:5.7.1:no\n' >"$DIR/virtmaps"
	v build
	run v resolve -q a@one.example b@one.example
	[ "$status" -eq 67 ]
	run v resolve -q a@one.example b@one.example c@one.example
	[ "$status" -eq 69 ]
	[ "${#lines[@]}" -eq 3 ]
	run v resolve -q c@one.example x@elsewhere.example b@one.example a@one.example
	[ "$status" -eq 75 ]
}

@test "resolve for people: the whole answer" {
	v build
	run v resolve Any+Lists@one.example
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat <<-'EOT'
		Any+Lists@one.example
		  match    @one.example (catch-all)
		  target   carol%3
		  account  carol (uid 1002, gid 1002, home /home/carol)
		  detail   Lists
		  mailbox  mbox:/home/carol/mbox
		  quota    *:storage=1G
		  verdict  deliver to account carol
	EOT
	)" ]
}

@test "resolve -v: every rung, and the one that was hit" {
	v build
	run v resolve -v any+x@one.example
	[ "$status" -eq 0 ]
	for rung in any+x@one.example any++@one.example 'any+\*@one.example' any@one.example \
		'++@one.example' '+\*@one.example' '@one.example  <- this one' 'account carol: uid 1002'; do
		grep -q -- "$rung" <<<"$output"
	done
}

@test "resolve -j: the same answers for programs" {
	v add out@one.example 'ann@far.example, "odd name"@far.example'
	v add team@one.example team
	v add gone@one.example 'error:5.7.1:no mail here'
	run v resolve -j any+Lists@one.example team@one.example out@one.example gone@one.example x@far.example $'\xff@two.example'
	echo "$output"
	[ "$status" -eq 75 ]
	python3 - "$output" <<-'EOT'
		import json, sys
		bob, team, out, gone, far, odd = json.loads(sys.argv[1])
		assert bob == {"recipient": "any+Lists@one.example", "verdict": "account", "match": "@one.example",
		               "rung": "catch-all", "target": "carol%3", "account": "carol", "detail": "Lists", "uid": 1002,
		               "gid": 1002, "home": "/home/carol", "format": "mbox", "mailbox": "/home/carol/mbox",
		               "quota": "*:storage=1G"}, bob
		assert (team["verdict"], team["alias"], "status" in team) == ("alias", "team", False), team
		assert (out["verdict"], out["addresses"]) == ("forward", ["ann@far.example", '"odd name"@far.example']), out
		assert (gone["verdict"], gone["status"], gone["text"]) == ("reject", "5.7.1", "no mail here"), gone
		assert (far["verdict"], far["status"]) == ("defer", "4.3.5") and "account" not in far, far
		assert (odd["recipient"], odd["verdict"]) == ({"hex": "ff4074776f2e6578616d706c65"}, "nouser"), odd
	EOT
	run v resolve -j -q x
	[ "$status" -eq 64 ]
}

@test "resolve: nothing from outside steers the terminal" {
	v build
	run v resolve "${ESC}[2Jx@one.example"
	[ "$status" -eq 69 ]
	[[ $output != *"$ESC"* ]]
	run v resolve -v $'\xff\xfe\xc2\x9b2J@two.example'
	[ "$status" -eq 67 ]
	[[ $output != *$'\xc2\x9b'* && $output != *$'\xff'* ]]
}

@test "resolve: an edited text is not obeyed before it is compiled, and that is said" {
	v build
	sed -i 's/bob$/carol/' "$DIR/virtmaps"
	run --separate-stderr v resolve -q webmaster@one.example
	[ "$status" -eq 0 ]
	[ "$output" = "account bob" ]
	[[ $stderr == *"run virtmap build"* ]]
}

@test "resolve: what cannot be read defers" {
	v build
	mv "$DIR/virtmaps.gdbm" "$DIR/away"
	run v resolve -q webmaster@one.example
	[ "$status" -eq 75 ]
	head -c 5000 "$DIR/away" >"$DIR/virtmaps.gdbm"
	run v resolve -q webmaster@one.example nobody@two.example
	[ "$status" -eq 75 ]
	[ "$(grep -c '^defer ' <<<"$output")" -eq 2 ]
	mv "$DIR/away" "$DIR/virtmaps.gdbm"
	rm "$DIR/aliases"
	run v resolve -q webmaster@one.example
	[ "$status" -eq 75 ]
	[[ $output == *"aliases: No such file"* ]]
	rm "$DIR/accounts"
	run v -o aliases=none resolve -q webmaster@one.example
	[ "$status" -eq 75 ]
}

@test "as root, files that others may write are not obeyed" {
	[ "$(id -u)" -eq 0 ] || skip "needs root: others' files are any user's right"
	v build
	chmod 666 "$DIR/virtmaps.gdbm"
	run v resolve -q webmaster@one.example
	[ "$status" -eq 75 ]
	chmod 644 "$DIR/virtmaps.gdbm"
	chmod 666 "$DIR/virtmaps"
	fails 77 "does not trust" add a@one.example bob
	fails 77 "does not trust" build
	chmod 644 "$DIR/virtmaps"
	chmod 777 "$DIR"
	run v resolve -q webmaster@one.example
	[ "$status" -eq 78 ] # the settings stand there too
}

@test "a no of NSS is no proof while /etc/passwd cannot be read" {
	command -v strace >/dev/null || skip "needs strace"
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
	export ASAN_OPTIONS=detect_leaks=0 # which traces, too
	v build
	run v -o accounts=passwd resolve -q no-such-account-here
	[[ $status == 67 || $output == *accounts_canary* ]]
	# Neither of us can read it: nobody knows.
	local call
	for call in pread64 openat; do
		run strace -f -o "$DIR/trace" -P /etc/passwd -e trace=$call -e inject=$call:error=EIO \
			"$BUILD/virtmap" -C "$DIR/conf" -o accounts=passwd resolve -q no-such-account-here
		echo "$call: $status: $output"
		[ "$status" -eq 75 ]
		[[ $output == "defer "*"Input/output error"* ]]
	done
	# NSS alone fails, and says "no" of somebody who is there; our own reading knows better.
	run strace -f -o "$DIR/trace" -P /etc/passwd -e trace=read -e inject=read:error=EIO \
		"$BUILD/virtmap" -C "$DIR/conf" -o accounts=passwd resolve -q daemon
	echo "read: $status: $output"
	[ "$status" -eq 75 ]
	[[ $output == *"not found, but /etc/passwd has it"* || $output == *"Input/output error"* ]]
}

# ---- the command line ----------------------------------------------------------------------

@test "used wrongly: 64, with the right usage" {
	local words
	while IFS='|' read -r words args; do
		# shellcheck disable=SC2086
		run v $args
		echo "$args: $status: $output"
		[ "$status" -eq 64 ]
		[[ $output == *"$words"* && $output == *"usage: virtmap"* ]]
	done <<-'EOT'
		which command?|
		unknown command: frobnicate|frobnicate
		too few arguments for get|get
		too many arguments|get a b
		too few arguments for add|add key
		too many arguments (quote what belongs together): carol|add a@one.example bob, carol
		too few arguments for rm|rm
		too few arguments for resolve|resolve
		unknown option: -x|list -x
		unknown option: -n|check -n
		this option needs a value: -o|-o
	EOT
	run v resolve -q -v x@one.example
	[ "$status" -eq 64 ]
	run "$BUILD/virtmap" -Z
	[ "$status" -eq 64 ]
}

@test "who stops reading ends a list, and not a change" {
	seq -f "u%g@one.example bob" 20000 >>"$DIR/virtmaps"
	for ignored in '' "trap '' PIPE;"; do
		run bash -c "$ignored"' "$1" -C "$2" list -s | head -n 1; echo "${PIPESTATUS[0]}"' - "$BUILD/virtmap" "$DIR/conf"
		[ "${#lines[@]}" -eq 2 ]
		[ "${lines[1]}" -eq 141 ] # 128 + SIGPIPE
	done
	run bash -c '{ sleep 0.1; "$@" 2>&1; } | :' - "$BUILD/virtmap" -C "$DIR/conf" set u1@one.example carol
	[ -z "$output" ]
	[ "$(v get u1@one.example)" = carol ]
}

@test "settings that are wrong: 78" {
	fails 78 "unknown setting" -o nosuch=1 list
	fails 78 "no '='" -o nosuch list
	run "$BUILD/virtmap" -C "$DIR/nosuch" list
	[ "$status" -eq 78 ]
	echo 'nonsense' >>"$DIR/conf"
	fails 78 "conf:7: " list
}

@test "files that are not there: 66 to read, 73 to write" {
	fails 66 "No such file" -o "map=$DIR/nosuch" build
	fails 66 "No such file" -o "map=$DIR/nosuch" list
	fails 66 "No such file" -o "map=$DIR/nosuch" rm a@one.example
	fails 73 "No such file" -o "map=$DIR/no/map" add a@one.example bob
	[ ! -e "$DIR/nosuch" ]
}

@test "a directory that cannot be written: 77" {
	[ "$(id -u)" -ne 0 ] || skip "root writes everywhere"
	v build
	chmod 500 "$DIR"
	fails 77 "Permission denied" add a@one.example bob
	fails 77 "Permission denied" build
	chmod 700 "$DIR"
}

@test "standard output that is full or closed: 74" {
	v build
	run bash -c '"$1" -C "$2" list >/dev/full' _ "$BUILD/virtmap" "$DIR/conf"
	[ "$status" -eq 74 ]
	run bash -c '"$1" -C "$2" resolve -q bob >/dev/full' _ "$BUILD/virtmap" "$DIR/conf"
	[ "$status" -eq 74 ]
	run bash -c '"$1" -C "$2" list >&-' _ "$BUILD/virtmap" "$DIR/conf"
	[ "$status" -eq 74 ]
}

@test "help and version" {
	run --separate-stderr "$BUILD/virtmap" -h
	[ "$status" -eq 0 ]
	local command
	for command in build check list get add set rm resolve; do
		grep -q "^  $command " <<<"$output"
		[[ $("$BUILD/virtmap" "$command" -h) == "usage: virtmap"*" $command "* ]]
	done
	run --separate-stderr "$BUILD/virtmap" -V
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "virtmap "* && ${lines[1]} == "GDBM "* && ${lines[2]} == "libidn2 "* ]]
}
