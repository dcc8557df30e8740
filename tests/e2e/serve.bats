#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmap serve by itself: its sockets, its clients, its map, its end. No mail server, no rights.

MACHINE_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$MACHINE_ROOT/$BUILD ;; esac
# shellcheck source=tests/e2e/scratch.sh
. "$BATS_TEST_DIRNAME/scratch.sh"

setup() {
	# A socket's name has no room for a long path.
	dir=$(mktemp -d /tmp/virtmap-serve.XXXXXX)
	scratch_up "$dir"
	cp "$BATS_TEST_DIRNAME/socketmap.py" "$dir/bin/"
	chmod 755 "$dir/bin/socketmap.py"
	scratch sh -c 'cat >virtmaps' <<-'EOT'
		ann@one.example   ann
		gen@one.example   error:5.7.1:generation 0
		left@one.example  error:5.1.6:553 Left us
		far@one.example   someone@far.example
		both@one.example  bob, someone@far.example
		@two.example      carol
	EOT
	virtmap build >/dev/null
	server=
}

teardown() {
	[ -z "$server" ] || end "$server"
	rm -rf "$dir"
}

virtmap() { scratch virtmap -C "$dir/virtmda.conf" "$@"; }
ask() { scratch socketmap.py ask "$dir/socket" "$@"; }
is() {
	[ "$1" = "$2" ] || {
		printf 'expected: %s\nis:       %s\n' "$1" "$2" >&2
		return 1
	}
}

# serve ARGUMENT...: started in the background; $server is its process.
serve() {
	# shellcheck disable=SC2086,SC2154
	(cd "$dir" && exec $scratch_user bin/virtmap -C virtmda.conf serve "$@" >"$dir/out" 2>&1 </dev/null 3>&-) &
	server=$!
	for _ in $(seq 200); do
		[ ! -S "$dir/socket" ] || return 0
		kill -0 "$server" 2>/dev/null || return 1
		sleep 0.02
	done
	return 1
}

# end PID [SIGNAL]: its exit status.
end() {
	local status=0
	server=
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" || status=$?
	return "$status"
}

fails() {
	run virtmap serve "$@"
	[ "$status" -ne 0 ]
	[[ $output == "virtmap: "* ]]
}

is_misused() {
	fails "$@"
	is 64 "$status" "$*"
}

@test "every map answers, and verify as the command does" {
	serve -s "unix:$dir/socket"
	is "OK OK" "$(ask 'verify ann@one.example')"
	is "OK $(virtmap verify -- left@one.example)" "$(ask 'verify left@one.example')"
	is 'OK REJECT 5.1.6 "553 Left us"' "$(ask 'verify left@one.example')"
	is "OK $(virtmap verify -- x@three.example 2>/dev/null)" "$(ask 'verify x@three.example')"
	is "NOTFOUND " "$(ask 'verify one.example')"
	is "OK someone@far.example" "$(ask 'virtmap far@one.example')"
	is "NOTFOUND " "$(ask 'virtmap both@one.example')"
	is "NOTFOUND " "$(ask 'virtmap ann@one.example')"
	is "OK bob, someone@far.example" "$(ask 'alias both@one.example')"
	is "OK ann@one.example" "$(ask 'alias ann@one.example')"
	is "NOTFOUND " "$(ask 'alias x@three.example')"
	is "NOTFOUND " "$(ask 'alias @one.example')"
	is "OK DUNNO" "$(ask 'access x@two.example')"
	is "OK 553 5.1.6 Left us" "$(ask 'access left@one.example')"
	is "NOTFOUND " "$(ask 'access x@three.example')"
	is "OK virtmap" "$(ask 'domain TWO.example')"
	is "NOTFOUND " "$(ask 'domain three.example')"
	is "PERM no such map" "$(ask 'virtusertable x')"
	is "PERM not a key" "$(ask 'verify')"
}

@test "it ends on SIGTERM and takes its socket with it, and on SIGINT too" {
	serve -s "unix:$dir/socket"
	end "$server"
	[ ! -e "$dir/socket" ]
	is "" "$(cat "$dir/out")"
	serve -s "unix:$dir/socket"
	end "$server" INT
	[ ! -e "$dir/socket" ]
}

@test "a socket of a dead server is replaced, one that is served is not" {
	serve -s "unix:$dir/socket"
	fails -s "unix:$dir/socket"
	[[ $output == *"Address already in use"* ]]
	is "OK OK" "$(ask 'verify ann@one.example')"
	end "$server" KILL || :
	[ -S "$dir/socket" ]
	run ask 'verify ann@one.example'
	[ "$status" -ne 0 ]
	serve -s "unix:$dir/socket"
	sleep 0.3
	is "OK OK" "$(ask 'verify ann@one.example')"
}

@test "what is no socket stays, and sockets that others could reach are refused" {
	scratch sh -c 'echo precious >socket'
	fails -s "unix:$dir/socket"
	is precious "$(cat "$dir/socket")"
	fails -s inet:10725@0.0.0.0
	[[ $output == *"only a loopback address"* ]]
	fails -s 'inet6:10725@::'
	fails -s "unix:$dir/$(printf '%0200d' 1)"
	is_misused -s inet:10725@localhost
	is_misused -s inet:0@127.0.0.1
	is_misused -s inet:65536@127.0.0.1
	is_misused -s unix:relative
	is_misused -s /no/scheme
	is_misused
	[[ $output == *"no socket"* ]]
	is_misused -s "unix:$dir/other" -m 0888
	is_misused -s "unix:$dir/other" -g nosuchgroup
	is_misused -s "unix:$dir/other" -u nosuchuser
	[ ! -e "$dir/other" ]
}

@test "mode of the socket, and two sockets at once" {
	serve -s "unix:$dir/other" -s "unix:$dir/socket" -m 0600
	is 600 "$(stat -c %a "$dir/socket")"
	is "OK OK" "$(scratch socketmap.py ask "$dir/other" 'verify ann@one.example')"
	is "OK OK" "$(ask 'verify ann@one.example')"
	end "$server"
	serve -s "unix:$dir/socket"
	is 660 "$(stat -c %a "$dir/socket")"
}

@test "on the loopback interface" {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	serve -s "inet:$port@127.0.0.1" -s "unix:$dir/socket"
	is "OK OK" "$(scratch socketmap.py ask "$port" 'verify ann@one.example')"
}

# activate ADDRESS WHOSE: as systemd does it, a listening socket on descriptor 3. Becomes the server.
activate() {
	cat >"$dir/bin/activate.py" <<-'EOT'
		import os, socket, sys
		where = sys.argv[1]
		if ":" in where:
		    s = socket.socket()
		    s.bind((where.split(":")[0], 0))
		else:
		    s = socket.socket(socket.AF_UNIX)
		    s.bind(where)
		s.listen(8)
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid() if sys.argv[2] == "mine" else 1))
		os.execvp(sys.argv[3], sys.argv[3:])
	EOT
	# shellcheck disable=SC2086
	cd "$dir" && exec $scratch_user env PATH=/usr/bin:/bin python3 bin/activate.py "$1" "$2" \
		bin/virtmap -C virtmda.conf serve >"$dir/out" 2>&1 </dev/null 3>&-
}

@test "a socket that was handed over is used, and stays" {
	activate "$dir/socket" mine &
	server=$!
	for _ in $(seq 100); do
		[ ! -S "$dir/socket" ] || break
		sleep 0.05
	done
	is "OK OK" "$(ask 'verify ann@one.example')"
	end "$server"
	[ -S "$dir/socket" ]
}

@test "systemd starts it at the first question, with the sockets of both kinds, and the next finds it running" {
	command -v systemd-socket-activate >/dev/null || skip "needs systemd-socket-activate"
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	# shellcheck disable=SC2086,SC2154
	(cd "$dir" && exec $scratch_user systemd-socket-activate -l "$dir/socket" -l "127.0.0.1:$port" --fdname=one:two \
		bin/virtmap -C virtmda.conf serve >"$dir/out" 2>&1 </dev/null 3>&-) &
	server=$!
	for _ in $(seq 100); do
		[ ! -S "$dir/socket" ] || break
		sleep 0.05
	done
	is "" "$(pgrep -P "$server")" "processes before the first question"
	is "OK OK" "$(ask 'verify ann@one.example')"
	is virtmap "$(cat "/proc/$server/comm")"
	is "OK OK" "$(scratch socketmap.py ask "$port" 'verify ann@one.example')"
	is 5 "$(pgrep -c -P "$server")"
	end "$server"
	[ -S "$dir/socket" ]
	is "" "$(grep virtmap: "$dir/out" || :)"
}

@test "one that was handed to somebody else is not, nor one that listens to the world" {
	run activate "$dir/socket" other
	[ "$status" -ne 0 ]
	[[ $(cat "$dir/out") == *"no socket"* ]]
	run activate 0.0.0.0: mine
	[ "$status" -ne 0 ]
	[[ $(cat "$dir/out") == *"more than the loopback interface"* ]]
}

@test "garbage ends its connection and nobody else's" {
	serve -s "unix:$dir/socket"
	is "" "$(scratch socketmap.py send "$dir/socket" 'GET / HTTP/1.0\r\n\r\n')"
	is "" "$(scratch socketmap.py send "$dir/socket" '5000:')"
	is "" "$(scratch socketmap.py send "$dir/socket" '-1:x,')"
	is "" "$(scratch socketmap.py send "$dir/socket" '022:verify ann@one.example,')"
	is "" "$(scratch socketmap.py send "$dir/socket" '6:verify;')"
	is "14:PERM not a key," "$(scratch socketmap.py send "$dir/socket" '12:verify a\0b@c,')"
	is "16:PERM no such map," "$(scratch socketmap.py send "$dir/socket" '0:,')"
	is "5:OK OK,16:PERM no such map,5:OK OK," \
		"$(scratch socketmap.py send "$dir/socket" '22:verify ann@one.example,3:foo,22:verify ann@one.example,')"
	long=$(printf '%01000d' 1)
	[[ $(ask "verify $long@one.example") == 'OK REJECT 5.1.3 "553 '* ]]
	[[ $(ask "verify $long$long$long@one.example") == 'OK REJECT 5.1.3 "553 '* ]]
	is "NOTFOUND " "$(ask "alias $long$long@one.example")"
	is "NOTFOUND " "$(ask "domain $long")"
	is "OK OK" "$(ask 'verify ann@one.example')"
	is "" "$(cat "$dir/out")"
}

# descriptors: how many all processes of the server have.
descriptors() {
	for pid in "$server" $(pgrep -P "$server"); do
		find "/proc/$pid/fd" -mindepth 1
	done | wc -l
}

@test "thousands of silent, slow and garbled clients keep nobody waiting, and leave nothing behind" {
	serve -s "unix:$dir/socket"
	before=$(descriptors)
	run scratch socketmap.py crowd "$dir/socket" 5000
	[ "$status" -eq 0 ] || is "" "$output"
	is "OK OK" "$(ask 'verify ann@one.example')"
	# Each of the four that answer may have opened a file or two meanwhile, but no more than that.
	for _ in $(seq 100); do
		after=$(descriptors)
		[ "$after" -gt $((before + 8)) ] || break
		sleep 0.1
	done
	[ "$after" -le $((before + 8)) ] || is "about $before" "$after"
	is "" "$(cat "$dir/out")"
}

@test "two thousand questions while the map is published ten times, each answered by a map of its time" {
	serve -s "unix:$dir/socket"
	run scratch socketmap.py republish "$dir/socket" 2000 virtmap -C "$dir/virtmda.conf" set gen@one.example
	is 10 "$output"
}

@test "without a map it is put off, in both forms, and the next question after it came back is answered" {
	serve -s "unix:$dir/socket"
	is "OK OK" "$(ask 'verify ann@one.example')"
	mv "$dir/virtmaps.gdbm" "$dir/away"
	is 'OK TEMP 4.3.0 "451 temporary trouble here, try again later"' "$(ask 'verify nobody@one.example')"
	is "TEMP try again later" "$(ask 'virtmap ann@one.example')"
	is "TEMP try again later" "$(ask 'domain one.example')"
	is "TEMP try again later" "$(ask 'access ann@one.example')"
	is "TEMP try again later" "$(ask 'alias ann@one.example')"
	# The reason is told once, not for every recipient.
	ask 'verify ann@one.example' 'verify ann@one.example' >/dev/null
	[ "$(grep -c 'virtmaps.gdbm: No such file' "$dir/out")" -le 8 ]
	mv "$dir/away" "$dir/virtmaps.gdbm"
	is "OK OK" "$(ask 'verify ann@one.example')"
}

# members: those that the server has started.
members() { pgrep -P "$server" | sort; }

@test "who dies is started again, and nothing stays when the first is killed" {
	serve -s "unix:$dir/socket"
	sleep 0.2
	before=$(members)
	is 5 "$(echo "$before" | wc -l | tr -d ' ')"
	sleep 1
	# shellcheck disable=SC2086
	kill -9 $before
	for _ in $(seq 100); do
		[ "$(members | wc -l)" -ne 5 ] || [ "$(members)" = "$before" ] || break
		sleep 0.1
	done
	is "OK OK" "$(ask 'verify ann@one.example')"
	is 5 "$(grep -c 'is started again' "$dir/out")"
	after=$(members)
	end "$server" KILL || :
	for pid in $after; do
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || continue 2
			sleep 0.05
		done
		return 1
	done
}
