# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# A private machine for one test: namespaces for mounts, host name, network, IPC and
# processes, in which /etc, /home, /var/mail, the queue and all that sendmail writes are
# copies in memory. sendmail runs there as samples/sendmail.mc has it, on port 25 of a
# loopback interface of its own. When the machine goes down, every process and every file
# in it is gone; nothing outside the source tree has been touched.
#
#   machine_lack         why there can be no machine here, or nothing
#   machine_up DIR       start it; DIR is an existing directory for its few outside files
#   inside COMMAND...    run a command in it, as root, in /
#   machine_down         end it
#
# BUILD (absolute) is where the programs are; MACHINE_ROOT the source tree.

MACHINE_CF=/usr/share/sendmail/cf
MACHINE_NAME=mail.test.example

machine_lack() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "needs root, for namespaces of its own"
		return
	fi
	for machine_tool in unshare nsenter mount m4 python3; do
		command -v "$machine_tool" >/dev/null 2>&1 || {
			echo "needs $machine_tool"
			return
		}
	done
	if ! [ -x /usr/sbin/sendmail ] || ! [ -d "$MACHINE_CF" ]; then
		echo "needs sendmail and its configuration macros"
		return
	fi
	unshare --mount --uts --net --ipc --pid --fork true 2>/dev/null ||
		echo "needs namespaces, which this place does not allow"
}

inside() {
	nsenter --target "$MACHINE_PID" --mount --uts --net --ipc \
		--pid="/proc/$MACHINE_PID/ns/pid_for_children" --wd=/ -- \
		/usr/bin/env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC "$@"
}

machine_up() {
	mkfifo "$1/ready"
	# bats waits for whoever holds its descriptor 3.
	unshare --mount --uts --net --ipc --pid --fork --kill-child --mount-proc \
		sh "$MACHINE_ROOT/tests/e2e/machine_boot.sh" "$MACHINE_ROOT" "$BUILD" "$MACHINE_NAME" \
		"$1/ready" >"$1/boot.log" 2>&1 </dev/null 3>&- &
	MACHINE_PID=$!
	read -r machine_state <"$1/ready" || machine_state=
	rm -f "$1/ready"
	[ "$machine_state" = ready ] && return 0
	cat "$1/boot.log" >&2
	machine_down
	return 1
}

machine_down() {
	[ -n "${MACHINE_PID:-}" ] || return 0
	# Its first process goes with it, and with that one all others.
	kill -KILL "$MACHINE_PID" 2>/dev/null || :
	wait "$MACHINE_PID" 2>/dev/null || :
	MACHINE_PID=
}
