#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the suites named (default: all) and count their TAP lines.
#
#   unit   build/tests/check_*   Check programs, one a module
#   e2e    tests/e2e/*.bats      the installed programs, sendmail, readers
#   fault  tests/fault/*.t       every system call failed, killed, every byte damaged
#
# One of a suite is named with it: unit/check_quota, e2e/quota, fault/lmtp.
# A suite that prints no test, or ends otherwise than its lines say, counts as failed.
# Ends with one line "N passed, N failed, N skipped"; exit 1 if anything failed.
set -u

cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export BUILD
export LC_ALL=C.UTF-8
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

passed=0 failed=0 skipped=0

count() { grep -c -E "$1" "$2" || true; }

# take NAME STATUS: add up the TAP file of a suite that ended with STATUS.
take() {
	tap=$work/tap
	skip=$(count '^ok .*# [Ss][Kk][Ii][Pp]' "$tap")
	good=$(($(count '^ok ' "$tap") - skip))
	bad=$(count '^not ok ' "$tap")
	if [ "$bad" -eq 0 ] && { [ "$2" -ne 0 ] || [ $((good + skip)) -eq 0 ]; }; then
		bad=1
		echo "not ok - $1 ended with status $2 after $good tests" >>"$work/output"
	fi
	passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
	if [ "$bad" -eq 0 ]; then
		printf 'ok    %-28s %4d passed' "$1" "$good"
		[ "$skip" -eq 0 ] || printf ', %d skipped' "$skip"
		printf '\n'
		# Many tests skipped for one reason are one line.
		sed -n 's/^ok [0-9]* *-* *\(.*\)# [Ss][Kk][Ii][Pp] *\(.*\)/\2\t\1/p' "$tap" | sort -u | awk -F '\t' '
			{ count[$1]++; name[$1] = $2 }
			END {
				for (reason in count)
					printf "        skipped: %s(%s)\n", (count[reason] > 1 ? count[reason] " tests " : name[reason]), reason
			}'
	else
		printf 'FAIL  %-28s %4d passed, %d failed\n' "$1" "$good" "$bad"
		sed 's/^/        /' "$work/output"
	fi
}

run_unit() {
	for program in "$BUILD"/tests/$1; do
		[ -f "$program" ] || continue
		: >"$work/tap"
		if [ -n "${VALGRIND:-}" ]; then
			CK_FORK=no CK_DEFAULT_TIMEOUT=0 CK_TAP_LOG_FILE_NAME=$work/tap valgrind -q --error-exitcode=99 \
				--leak-check=full --errors-for-leak-kinds=definite \
				--suppressions=tests/valgrind.supp "$program" >"$work/output" 2>&1
		else
			CK_TAP_LOG_FILE_NAME=$work/tap "$program" >"$work/output" 2>&1
		fi
		take "unit/$(basename "$program")" $?
	done
}

run_e2e() {
	if ! command -v bats >/dev/null 2>&1; then
		echo "skip  e2e                          bats is not installed"
		skipped=$((skipped + 1))
		return
	fi
	for file in tests/e2e/$1.bats; do
		[ -f "$file" ] || continue
		bats --tap "$file" >"$work/tap" 2>"$work/output"
		status=$?
		grep -v '^ok ' "$work/tap" >>"$work/output"
		take "e2e/$(basename "$file" .bats)" $status
	done
}

run_fault() {
	for file in tests/fault/$1.t; do
		[ -x "$file" ] || continue
		"$file" >"$work/tap" 2>"$work/output"
		status=$?
		grep -v '^ok ' "$work/tap" >>"$work/output"
		take "fault/$(basename "$file" .t)" $status
	done
}

[ $# -gt 0 ] || set -- unit e2e fault
for suite in "$@"; do
	ran=$((passed + failed + skipped))
	case $suite in
	unit) run_unit 'check_*' ;;
	e2e) run_e2e '*' ;;
	fault) run_fault '*' ;;
	unit/*) run_unit "${suite#*/}" ;;
	e2e/*) run_e2e "${suite#*/}" ;;
	fault/*) run_fault "${suite#*/}" ;;
	esac
	if [ $((passed + failed + skipped)) -eq "$ran" ]; then
		echo "run.sh: no suite $suite" >&2
		exit 2
	fi
done

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
