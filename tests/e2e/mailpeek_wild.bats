#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailpeek beside Dovecot and Python on mail that is not as it should be. Every difference is one
# that the manual names, for the very bytes that it names it for (wild.py). Works for any user.

bats_require_minimum_version 1.5.0

load peek

needs_dovecot() {
	[ -x /usr/lib/dovecot/imap ] && command -v doveadm >/dev/null || skip "Dovecot's IMAP server and doveadm are not installed"
	cp "$BATS_TEST_DIRNAME/wild.py" "$SCRATCH/bin/"
	chmod 755 "$SCRATCH/bin/wild.py"
}

wild() { scratch wild.py "$@"; }

@test "headers, dates, sizes, flags, parts and what is found are Dovecot's and Python's" {
	needs_dovecot
	wild fill "$SCRATCH/ann/mbox" "$SCRATCH/bob/Maildir" 1 700
	wild agree mailpeek -C virtmda.conf -- ann "mbox:$SCRATCH/ann/mbox"
	wild agree mailpeek -C virtmda.conf -- bob "maildir:$SCRATCH/bob/Maildir"
}

@test "an mbox is cut into messages as the manual says of each reader" {
	needs_dovecot
	wild split mailpeek -C virtmda.conf -- ann "mbox:$SCRATCH/ann/mbox" 1 40
}

@test "the manual names every difference" {
	cp "$BATS_TEST_DIRNAME/wild.py" "$SCRATCH/bin/"
	local reason said
	said=$(grep -v '^\.\\"' "$MACHINE_ROOT/man/mailpeek.8" | sed 's/^\.Em //' | paste -sd ' ')
	while read -r reason; do
		[[ $said == *"$reason"* ]] || { echo "$reason" >&2; return 1; }
	done < <(scratch python3 bin/wild.py reasons)
}
