#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailpeek changes nothing: every command with every option, as the mailboxes' user and as root,
# while others hold locks, and where nothing could be written. Works for any user; what needs root
# says so.

bats_require_minimum_version 1.5.0

load peek

# Exit status and words. Every option of every command is here; a test below sees to that.
COMMANDS='
0 accounts
0 accounts -ab
0 accounts -jr -s size -n 2 ann bob
0 accounts -0
0 folders bob
0 folders -b bob
0 folders -j0 bob
0 list ann
0 list bob
0 list -b -f Sub bob
0 list -j -F number,wire-size,sent,header:received,file,offset ann unread
0 list -0 -F number,wire-size,sent,header:received,file,offset bob unread
66 list -f None bob
0 search -b ann body a or larger 1
0 search -j -F subject bob body a or text b
1 search -0 ann text nothing-like-this
1 search -f Sub bob text nothing-like-this
0 show ann 3
0 show -ab bob 3
0 show -j -0 ann 3
0 show -f Sub bob 1
66 show bob 999
0 raw ann 3
0 raw bob 3
0 raw -f Sub bob 1
66 raw ann 999
66 raw bob 999
0 timeline ann
0 timeline -b -u month -n 3 bob
0 timeline -j -f Sub bob
0 timeline -0 -u hour bob
0 trace ann@one.example
0 trace -b -n 2 bob@one.example
1 trace ann
1 trace -j bob
0 trace -0j ann@one.example
1 trace <none@x>
0 trace <traced@x.example>
0 usage
0 usage -b -r -s name -n 1
0 usage -dj
0 usage -0 ann
1 verify
1 verify -j ann bob
1 verify -0
0 verify -l
'

# each COMMAND...: run it for every line, with the status wanted and the words behind it.
each() {
	local line
	while read -r line; do
		# shellcheck disable=SC2086
		[ -z "$line" ] || "$@" $line || { echo "failed: $line" >&2; return 1; }
	done <<<"$COMMANDS"
}

# wanted STATUS COMMAND...
wanted() {
	local status=0
	"${@:2}" || status=$?
	[ "$status" -eq "$1" ] || { echo "status $status" >&2; return 1; }
}

# filled: an mbox and a Maildir with a folder, a map, a lock and sums for verify, all of them old.
filled() {
	python fill ann/mbox bob/Maildir 7 25
	scratch sh -c 'umask 077
		mkdir -p bob/Maildir/.Sub/new bob/Maildir/tmp
		printf "Delivered-To: bob@one.example\nSubject: x\n\ny\n" >bob/Maildir/.Sub/new/1.x
		printf "From a@b Thu Jan  1 00:00:00 1970\nDelivered-To: ann@one.example\nMessage-ID: <traced@x.example>\n\ny\n\n" >>ann/mbox
		echo 99999999 >ann/mbox.lock; printf "0S\n1 1\n" >bob/Maildir/maildirsize
		printf "ann@one.example ann\nbob@one.example bob\n" >virtmaps; virtmap -C virtmda.conf build' >/dev/null
	aged
}

# aged: all access times are old enough for a read to renew them; the lock is newer than the mbox,
# nothing was written under it.
aged() {
	local account
	for account in ann bob; do python age "$SCRATCH/$account"; done
	scratch touch -d @1000000009 ann/mbox.lock
}

scratch_snapshot() {
	local part
	for part in ann carol bob dave; do
		python snapshot "$SCRATCH/$part"
	done
}

# untouched COMMAND...: it leaves no trace in the accounts' homes.
untouched() {
	scratch_snapshot >"$BATS_TEST_TMPDIR/before"
	"$@"
	scratch_snapshot >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# Files that root takes orders from; the homes stay their owner's.
trusted() { chown 0:0 "$SCRATCH" "$SCRATCH"/{virtmda.conf,accounts,virtmaps*,domains}; }

as_user() { wanted "$1" peek "${@:2}"; }
as_root() { wanted "$1" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 TZ=UTC "$BUILD/mailpeek" -C "$SCRATCH/virtmda.conf" "${@:2}"; }
read_only() {
	wanted "$1" unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' ro "$SCRATCH" \
		setpriv --reuid=65534 --regid=65534 --clear-groups -- \
		env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 TZ=UTC "$SCRATCH/bin/mailpeek" -C "$SCRATCH/virtmda.conf" "${@:2}"
}
whatever() { peek "${@:2}" || [ $? -lt 126 ]; }

@test "every command with every option is among those that are tried" {
	local command letter
	for command in $(peek -h | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
		grep -q "^[0-9]* $command" <<<"$COMMANDS" || is "$command" "not tried"
		for letter in $(peek "$command" -h | sed "s/.*\.\.\. $command//; s/<.*//" | grep -o '\[-[A-Za-z0]*' | tr -d '[-' | fold -w 1); do
			grep -qE "^[0-9]+ $command.* -[A-Za-z0]*$letter" <<<"$COMMANDS" || is "$command -$letter" "not tried"
		done
	done
}

@test "no byte, time or name changes, access times included" {
	filled
	untouched each as_user >/dev/null
	# Would it have been seen?
	scratch cat ann/mbox >/dev/null
	scratch_snapshot >"$BATS_TEST_TMPDIR/after"
	! diff -q "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" ||
		skip "this file system keeps no access times; everything else was compared"
}

@test "root sees the same and leaves as little; where nothing can be written the same again" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	filled
	each as_user >"$SCRATCH/user" 2>&1
	untouched each read_only >"$SCRATCH/read-only" 2>&1 || { cat "$SCRATCH/read-only" >&2; return 1; }
	aged
	trusted
	untouched each as_root >"$SCRATCH/root" 2>&1 || { cat "$SCRATCH/root" >&2; return 1; }
	diff "$SCRATCH/user" "$SCRATCH/read-only"
	diff "$SCRATCH/user" "$SCRATCH/root"
}

@test "what others lock is as little changed, and their locks stay" {
	filled
	scratch python3 -c '
import fcntl, os, sys, time
os.remove("ann/mbox.lock")
mbox = open("ann/mbox", "r+b")
fcntl.lockf(mbox, fcntl.LOCK_EX)
with open("ann/mbox.lock", "w") as lock:
    lock.write("%d\n" % os.getpid())
open("held", "w").close()
time.sleep(600)' 3>&- &
	until [ -e "$SCRATCH/held" ]; do sleep 0.05; done
	# Its own number: the shell's is that of who waits for it.
	# shellcheck disable=SC2034 # for teardown
	WRITER=$(cat "$SCRATCH/ann/mbox.lock")
	untouched each whatever >/dev/null
	[[ $(peek accounts ann) == *"  both  "* ]]
}

# traced STATUS COMMAND...: no system call of it writes; and, if root runs it, none looks into a
# home before it is the home's.
traced() {
	local trace=$SCRATCH/trace paths='(open|openat2?|stat|lstat|newfstatat|statx|f?access(at2?)?|readlink(at)?|chdir)\('
	: >"$trace"
	chmod 666 "$trace"
	# LeakSanitizer and strace both want ptrace.
	wanted "$1" "${TRACED[@]}" env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -y -o "$trace" "$SCRATCH/bin/mailpeek" -C "$SCRATCH/virtmda.conf" "${@:2}" >/dev/null || return
	[[ " $* " == *" -l "* || $1 -eq 66 ]] || grep -q 'openat(.*O_NOATIME' "$trace" || return
	! grep -E 'open(at2?)?\(.*(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND)' "$trace" || return
	! grep -E '\b(rename|unlink|link|symlink|mkdir|rmdir|mknod|chmod|chown|truncate|utime|setxattr|fallocate|flock|creat)[a-z0-9]*\(' "$trace" || return
	! grep -E 'F_(OFD_)?SETLK' "$trace" || return
	! grep -E 'write(v|64|v2)?\(|sendfile|splice|copy_file' "$trace" | grep -vE 'write\(([12]<|[0-9]+<pipe:)' || return
	[ "$(id -u)" -ne 0 ] || awk -v paths="$paths" -v homes="$SCRATCH/(ann|bob|carol|dave)" '
		/ setresuid\(65534/ { become[$1] = 1 }
		$0 ~ paths && $0 ~ homes && !become[$1] { print; bad = 1 }
		END { exit bad }' "$trace" >&2
}

@test "no system call writes, but to standard output and a pipe; root's rights are gone before a home is looked into" {
	command -v strace >/dev/null || skip "strace is not installed"
	filled
	TRACED=(scratch)
	if [ "$(id -u)" -eq 0 ]; then
		trusted
		TRACED=(env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 TZ=UTC)
	fi
	each traced
}
