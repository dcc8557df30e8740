#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the fuzz targets named, each for FUZZ_SECONDS (0: only the kept seeds). What crashes a
# target is written to its seeds, where it stays as a test. New inputs that reach new code
# are kept in $BUILD/corpus. One line a target; exit 1 if any failed.
set -u

cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build/fuzz}
seconds=${FUZZ_SECONDS:-20}
# In memory where that is possible: nothing here needs to outlive a crash of the machine.
[ ! -w /dev/shm ] || TMPDIR=/dev/shm
TMPDIR=$(mktemp -d -p "${TMPDIR:-/tmp}") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM

if [ "$seconds" -eq 0 ]; then
	limit=-runs=0
else
	limit=-max_total_time=$seconds
fi

failed=0
for name in "$@"; do
	seeds=tests/fuzz/seeds/$name
	corpus=$BUILD/corpus/$name
	mkdir -p "$seeds" "$corpus" "$TMPDIR/$name"
	set -- "$limit" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
		"-artifact_prefix=$seeds/"
	[ ! -f "tests/fuzz/dict/$name.dict" ] || set -- "$@" "-dict=tests/fuzz/dict/$name.dict"
	if TMPDIR=$TMPDIR/$name "$BUILD/fuzz_$name" "$@" "$corpus" "$seeds" >"$TMPDIR/log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$TMPDIR/log")
		printf 'ok    fuzz/%-22s %9s inputs\n' "$name" "$runs"
	else
		failed=1
		printf 'FAIL  fuzz/%s\n' "$name"
		tail -n 40 "$TMPDIR/log" | sed 's/^/        /'
	fi
done
exit $failed
