#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What can be checked without running anything: layout, the warnings of two compilers,
# cppcheck, shell scripts, man pages, the arrows between the rooms, who may use which
# library, and what the linked programs must not contain.
#
# One line a check: "ok NAME", "FAIL NAME: why" (details follow, indented), "skip NAME: why"
# where a tool is missing. Exit 1 if any failed. Named checks only: tests/lint.sh arrows ...
set -u

cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
export LC_ALL=C.UTF-8
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

# verdict NAME WHY: the check's findings are in $work/found.
verdict() {
	if [ -s "$work/found" ]; then
		echo "FAIL $1: $2"
		grep -vE '^  (CC|LD)    ' "$work/found" | sed 's/^/        /' | head -n 60
		failed=1
	else
		echo "ok $1"
	fi
	: >"$work/found"
}

# run NAME WHY COMMAND...: the check is that the command ends with 0.
run() {
	name=$1 why=$2
	shift 2
	if "$@" >"$work/found" 2>&1; then
		: >"$work/found"
	else
		echo "$1 ended with status $?" >>"$work/found"
	fi
	verdict "$name" "$why"
}

# have NAME TOOL: 1, with a line, if the tool is missing.
have() {
	command -v "$2" >/dev/null 2>&1 && return 0
	echo "skip $1: $2 is not installed"
	return 1
}

# Everything in the tree that git would commit, or all of it where there is no git.
tree() {
	git ls-files -co --exclude-standard 2>/dev/null ||
		find . -path ./.git -prune -o -path "./$BUILD" -prune -o -type f -print | sed 's|^\./||'
}
tree | while read -r file; do [ ! -f "$file" ] || echo "$file"; done | sort -u >"$work/tree"

sources() { grep -E '^(src|include|tests)/.*\.[ch]$' "$work/tree"; }

# ---- layout --------------------------------------------------------------------------------

check_format() {
	have format clang-format || return
	# shellcheck disable=SC2046 # no file name of ours holds a blank
	run format "clang-format -i would change" clang-format --dry-run -Werror $(sources)
}

# ---- compilers -----------------------------------------------------------------------------

check_gcc() {
	have gcc gcc || return
	run gcc "warnings or errors" \
		make --no-print-directory -s CC=gcc WERROR=1 BUILD="$BUILD/lint-gcc" all unit-programs
}

check_clang() {
	have clang clang || return
	run clang "warnings or errors" \
		make --no-print-directory -s CC=clang WERROR=1 BUILD="$BUILD/lint-clang" all unit-programs
}

# Left out everywhere: what needs values followed through functions that always return -1 or
# never return, which this cppcheck does not do (uninitvar, ctuuninitvar and the null pointer
# "redundant" checks; both compilers, valgrind and the sanitizers do), and readdirCalled, which
# advises readdir_r(3), deprecated since glibc 2.24.
check_cppcheck() {
	have cppcheck cppcheck || return
	run cppcheck "findings (suppress inline, with a reason)" \
		cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --library=posix,gnu --suppress=missingIncludeSystem \
		--suppress=uninitvar --suppress=ctuuninitvar --suppress=readdirCalled \
		--suppress=nullPointerRedundantCheck --suppress=nullPointerArithmeticRedundantCheck \
		-D_GNU_SOURCE -D__linux__ -Iinclude src
}

# ---- scripts, pages ------------------------------------------------------------------------

# Left out everywhere: SC2016, for programs handed to another shell in single quotes mean their
# dollars; SC2015, for `A && B || { give up; }` means what it says. In bats files also SC2030 and
# SC2031, for each test is a process of its own on purpose, and SC2154, which does not know what
# `run` sets.
check_shellcheck() {
	have shellcheck shellcheck || return
	while read -r file; do
		case $file in
		*.bats) echo "$file" >>"$work/bats" ;;
		*.sh | completions/*) echo "$file" >>"$work/scripts" ;;
		*) head -n 1 "$file" | tr -d '\0' | grep -qE '^#!.*[ /](ba|da)?sh( |$)' && echo "$file" >>"$work/scripts" ;;
		esac
	done <"$work/tree"
	{
		xargs shellcheck -x -e SC2015,SC2016 <"$work/scripts"
		[ ! -f "$work/bats" ] || xargs shellcheck -x -e SC2015,SC2016,SC2030,SC2031,SC2154 <"$work/bats"
	} >"$work/found" 2>&1
	verdict shellcheck "findings"
}

check_mandoc() {
	have mandoc mandoc || return
	for page in man/*.[1-9]; do
		[ -f "$page" ] || continue
		mandoc -Tlint -Wwarning "$page" >>"$work/found" 2>&1
	done
	verdict mandoc "warnings"
}

# ---- the house -----------------------------------------------------------------------------

# The rooms that each room may see; programs see all of them.
allowed() {
	case $1 in
	base | nss) ;;
	address | message | table | nss_apart) echo base ;;
	map) echo table address base ;;
	account) echo nss table address base ;;
	mailbox) echo message base ;;
	admission) echo mailbox account message base ;;
	resolve) echo map account address table base ;;
	virtmda-getpwnam) echo nss ;;
	virtmda | virtmap) echo base address table map account resolve message mailbox admission ;;
	mailpeek) echo base address table map account resolve message mailbox ;;
	*) echo nothing ;;
	esac
}

# The room that a header of include/ belongs to.
room_of() {
	case $1 in
	arena.h | buf.h | bytes.h | err.h | found.h | io.h | leftover.h | lock.h | meter.h | names.h | outcome.h | pager.h | progress.h | quota.h | rights.h | settings.h | string_index.h | text.h) echo base ;;
	nss.h) [ "${2-}" = nss_apart ] && echo nss_apart || echo nss ;;
	address.h | table.h | map.h | account.h | resolve.h | message.h | admission.h) echo "${1%.h}" ;;
	mailbox.h | mailbox_scan.h | mailbox_verify.h) echo mailbox ;;
	*) echo "nobody (add it to room_of in tests/lint.sh)" ;;
	esac
}

# see FILE ROOM: complain about every header that a file of this room must not see.
see() {
	sed -n 's/^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*"\(.*\)".*/\1/p' "$1" | while read -r header; do
		[ ! -f "$(dirname "$1")/$header" ] || case $1 in src/*) continue ;; esac
		room=$(room_of "$header" "$2")
		case " $2 $(allowed "$2") " in
		*" $room "*) ;;
		*) echo "$1: $2 must not see $header, which belongs to $room" ;;
		esac
	done
}

check_arrows() {
	for file in src/*/*.[ch]; do
		[ -f "$file" ] || continue
		room=${file#src/}
		see "$file" "${room%%/*}"
	done >"$work/found"
	for file in include/*.h; do
		see "$file" "$(room_of "${file#include/}")"
	done >>"$work/found"
	verdict arrows "an arrow points up"
}

# A library's types stay where its row says.
check_libraries() {
	while read -r header homes; do
		grep -lE "^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*<$header>" include/*.h src/*/*.[ch] |
			grep -vE "^($homes)" | while read -r file; do
			echo "$file: only $homes may include <$header>"
		done
	done <<-'END' >"$work/found"
		gdbm\.h src/table/table_gdbm\.c
		gmime/.* src/mailpeek/
		jansson\.h src/mailpeek/|src/virtmap/
		idn2\.h src/address/
		uni(case|norm|str|types|ctype|name|width|gbrk|wbrk|lbrk)\.h src/address/
		check\.h tests/
	END
	verdict libraries "a library is used outside its room"
}

# Global functions and data that objects define.
defines() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }

# Every symbol that a program still holds after --gc-sections.
holds() { nm --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u; }

# What only reads a mailbox. Every other object of the room but mailbox.o, folder.o, maildirsize.o
# and mbox_recover.o (names, texts and proofs, for both) counts as delivery, so a new file is a writer until it is listed here.
reader() {
	case ${1##*/} in
	*_scan.o | scan_*.o | *_verify.o | mbox_head.o | mbox_raw.o | from_line.o | maildir_list.o | maildir_name.o) return 0 ;;
	*) return 1 ;;
	esac
}

# Who reads mailboxes cannot write one, who delivers cannot be led into a parser.
check_binaries() {
	have binaries nm || return
	objects=$BUILD/lint-gcc/src/mailbox
	if [ ! -x "$BUILD/lint-gcc/mailpeek" ] || [ ! -x "$BUILD/lint-gcc/virtmda" ]; then
		echo "$BUILD/lint-gcc has no programs: run the check gcc first" >"$work/found"
		verdict binaries "nothing to look at"
		return
	fi
	echo mailbox_deliver_all >"$work/writers"
	: >"$work/readers"
	for object in "$objects"/*.o; do
		[ -f "src/mailbox/$(basename "$object" .o).c" ] || continue
		if reader "$object"; then
			defines "$object" >>"$work/readers"
		else
			case ${object##*/} in
			mailbox.o | folder.o | maildirsize.o | mbox_recover.o) ;;
			*) defines "$object" >>"$work/writers" ;;
			esac
		fi
	done
	holds "$BUILD/lint-gcc/mailpeek" >"$work/mailpeek"
	holds "$BUILD/lint-gcc/virtmda" >"$work/virtmda"
	{
		grep -Fxf "$work/writers" "$work/mailpeek" | sed 's/^/mailpeek holds the writer /'
		grep -Fxf "$work/readers" "$work/virtmda" | sed 's/^/virtmda holds the reader /'
		# Nor can it make, remove, rename or give away a file. (GDBM brings ftruncate, fsync and flock.)
		nm -D --undefined-only "$BUILD/lint-gcc/mailpeek" | sed 's/.* U //; s/@.*//' |
			grep -xE '(re)?(name|move)(at2?)?|(un|sym)?link(at)?|(mk|rm)dir(at)?|mknod(at)?|[fl]?chown(at)?|truncate(64)?|(f|l)?utime[a-z]*|mkstemp[a-z0-9]*|creat(64)?' |
			sed 's/^/mailpeek calls /'
		# Seen from the other side, or a renamed function would pass for an absent one.
		grep -Fxq mailbox_deliver_all "$work/virtmda" || echo "virtmda holds no mailbox_deliver_all"
		# Statically linked, libc's NSS crashes or lies.
		grep -Ex '(getpw|setpw|getgr(ent|gid|nam)|getaddrinfo|gethostby).*' "$work/virtmda" | sed 's/^/virtmda holds /'
		grep -Fxq mailbox_scan "$work/mailpeek" || echo "mailpeek holds no mailbox_scan"
	} >"$work/found"
	verdict binaries "a program holds what it must not"
}

check_licence() {
	sources | while read -r file; do
		head -n 1 "$file" | grep -q '^/\* SPDX-License-Identifier: GPL-3.0-or-later$' || echo "$file"
	done >"$work/found"
	verdict licence "no SPDX line on top"
}

check_marks() {
	grep -E '^(src|include|tests|man|samples|sendmail-cf)/|^Makefile$' "$work/tree" |
		grep -v '^tests/fuzz/seeds/' | while read -r file; do
		grep -HnIE '\b(TO''DO|FIX''ME|X''XX|HA''CK)\b' "$file"
	done >"$work/found"
	verdict marks "something is unfinished"
}

[ $# -gt 0 ] || set -- format licence marks arrows libraries shellcheck mandoc gcc binaries clang cppcheck
for check in "$@"; do
	: >"$work/found"
	case $check in
	format) check_format ;;
	licence) check_licence ;;
	marks) check_marks ;;
	arrows) check_arrows ;;
	libraries) check_libraries ;;
	shellcheck) check_shellcheck ;;
	mandoc) check_mandoc ;;
	gcc) check_gcc ;;
	binaries) check_binaries ;;
	clang) check_clang ;;
	cppcheck) check_cppcheck ;;
	*)
		echo "lint.sh: no check $check" >&2
		exit 2
		;;
	esac
done
exit $failed
