#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Mailboxes that lead elsewhere, looked into by root with every command: none shows what their
# owner may not read, waits, or takes down what is told of the neighbours. And headers without end.

bats_require_minimum_version 1.5.0

load peek

# What no account may read, in a form that would be shown: an mbox, and a message in a Maildir.
SECRET='the root of all'

# neighbours: honest carol (mbox) and dave (Maildir) beside ann and bob; a secret mbox and Maildir of
# root's, and elsewhere the same as the accounts may read it, to which only a link leads; the files
# that root takes orders from are root's.
neighbours() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	letters 2 | put carol/mbox
	scratch sh -c 'umask 077; mkdir -p dave/Maildir/new dave/Maildir/cur ann bob; printf "Subject: letter 1\n\nx\n" >dave/Maildir/new/1.x
		printf "one.example ann\ntwo.example bob\n" >virtmaps; virtmap -C virtmda.conf build' >/dev/null
	mkdir -m 700 "$SCRATCH/secret" "$SCRATCH"/secret/{new,cur,tmp}
	printf 'From a@b Thu Jan  1 00:00:00 1970\nSubject: %s\nDelivered-To: ann@one.example\nMessage-ID: <s@x>\n\n%s\n\n' "$SECRET" "$SECRET" >"$SCRATCH/secret/mbox"
	printf 'Subject: %s\nDelivered-To: bob@two.example\nMessage-ID: <s@x>\n\n%s\n' "$SECRET" "$SECRET" >"$SCRATCH/secret/cur/1.secret:2,S"
	chmod 600 "$SCRATCH"/secret/mbox "$SCRATCH"/secret/cur/*
	cp -a "$SCRATCH/secret" "$SCRATCH/elsewhere"
	chown -R 65534 "$SCRATCH/elsewhere"
	chown 0:0 "$SCRATCH" "$SCRATCH"/{virtmda.conf,accounts,virtmaps*,domains}
}

peek_as_root() { timeout 20 env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 TZ=UTC "$BUILD/mailpeek" -C "$SCRATCH/virtmda.conf" "$@"; }

# seen ACCOUNT ADDRESS: every command that reads ann's or bob's mailbox. It ends in time, by no
# signal; nothing secret is told; and who asks for everybody is told of the neighbours too.
seen() {
	local command status
	for command in accounts verify usage 'usage -dj' "folders $1" "list -F number,wire-size,file,header:subject $1" "list -f Sub $1" \
		"search $1 text root" "search -f Sub $1 body root" "show -a $1 1" "raw $1 1" "raw -f Sub $1 1" "timeline $1" "trace $2" 'trace <s@x>'; do
		status=0
		# shellcheck disable=SC2086
		peek_as_root $command >"$SCRATCH/out" 2>&1 || status=$?
		[ "$status" -lt 124 ] || is "status below 124 of $command" "$status: $(cat "$SCRATCH/out")" || return
		! grep -q "$SECRET" "$SCRATCH/out" || is "nothing secret from $command" "$(cat "$SCRATCH/out")" || return
		[[ $command != accounts && $command != usage ]] || [ "$(grep -cE '^(carol +(mbox +)?2|dave +(maildir +)?1) ' "$SCRATCH/out")" -eq 2 ] ||
			is "the neighbours in $command" "$(cat "$SCRATCH/out")" || return
	done
	scratch_entries >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

scratch_entries() { find "$SCRATCH/ann" "$SCRATCH/bob" "$SCRATCH/secret" -printf '%p %y %l %s %T@ %U\n' | sort; }

# hostile ACCOUNT SCRIPT: the account's owner lays something; laid_by_root: what only root can make.
hostile() { lay scratch "$@"; }
laid_by_root() { lay env "$@"; }

lay() {
	local by=$1
	shift
	rm -rf "$SCRATCH"/ann/* "$SCRATCH"/bob/*
	"$by" sh -c "cd '$SCRATCH' && $2"
	scratch_entries >"$BATS_TEST_TMPDIR/before"
	case $1 in
	ann) seen ann ann@one.example ;;
	bob) seen bob bob@two.example ;;
	esac || { echo "with: $2" >&2; return 1; }
}

@test "in an mbox's place: links, other files, devices, loops, somebody else's" {
	neighbours
	hostile ann 'ln -s ../elsewhere/mbox ann/mbox'
	hostile ann 'ln -s /etc/shadow ann/mbox'
	hostile ann 'ln -s mbox ann/mbox'
	hostile ann 'mkfifo ann/mbox'
	hostile ann 'mkdir ann/mbox'
	hostile ann 'ln -s ../elsewhere/mbox ann/mbox.lock; cp carol/mbox ann/mbox'
	hostile ann 'mkfifo ann/mbox.lock; cp carol/mbox ann/mbox'
	laid_by_root ann 'cp secret/mbox ann/mbox; chmod 600 ann/mbox'
	laid_by_root ann 'ln secret/mbox ann/mbox'
	laid_by_root ann 'mknod ann/mbox c 1 5'
	laid_by_root ann 'mknod ann/mbox b 7 0'
	laid_by_root ann 'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"ann/mbox\")"'
	rm -rf "$SCRATCH/ann"
	ln -s secret "$SCRATCH/ann"
	scratch_entries >"$BATS_TEST_TMPDIR/before"
	seen ann ann@one.example
}

@test "in a Maildir's place or a part's of it: links, other files, loops, somebody else's" {
	neighbours
	local part
	hostile bob 'ln -s ../elsewhere bob/Maildir'
	hostile bob 'mkfifo bob/Maildir'
	hostile bob 'touch bob/Maildir'
	for part in new cur tmp; do
		hostile bob "mkdir -p bob/Maildir/new bob/Maildir/cur bob/Maildir/tmp; rmdir bob/Maildir/$part; ln -s ../../elsewhere/cur bob/Maildir/$part"
	done
	hostile bob "mkdir -p bob/Maildir/new; ln -s . bob/Maildir/cur; mkfifo bob/Maildir/tmp"
	hostile bob "mkdir -p bob/Maildir/cur; mkfifo bob/Maildir/new; ln -s tmp bob/Maildir/tmp"
	hostile bob 'mkdir -p bob/Maildir/new bob/Maildir/cur; ln -s ../../elsewhere bob/Maildir/.Sub'
	hostile bob 'mkdir -p bob/Maildir/new bob/Maildir/cur; ln -s . bob/Maildir/.Sub'
	hostile bob 'mkdir -p bob/Maildir/new bob/Maildir/.Sub; ln -s ../../../elsewhere/cur bob/Maildir/.Sub/cur'
	hostile bob 'mkdir -p bob/Maildir/new bob/Maildir/.Sub/cur; ln -s ../../../../elsewhere/cur/1.secret:2,S bob/Maildir/.Sub/cur/1.x:2,S'
	hostile bob 'mkdir -p bob/Maildir/cur; ln -s ../../../elsewhere/cur/1.secret:2,S bob/Maildir/cur/1.x:2,S; mkfifo bob/Maildir/cur/2.x,S=5:2,; mkdir bob/Maildir/cur/3.x'
	hostile bob 'mkdir -p bob/Maildir/cur; ln -s ../../elsewhere/mbox bob/Maildir/maildirsize; ln -s ../../elsewhere/mbox bob/Maildir/dovecot-uidlist'
	hostile bob 'mkdir -p bob/Maildir/cur; mkfifo bob/Maildir/maildirsize'
	laid_by_root bob 'cp -a secret bob/Maildir'
	laid_by_root bob 'mkdir -p bob/Maildir/cur bob/Maildir/.Sub; chown -R 65534 bob/Maildir; cp -a secret/cur bob/Maildir/.Sub/'
	laid_by_root bob 'mkdir -p bob/Maildir/cur; cp -a secret/cur/* bob/Maildir/cur/; mknod bob/Maildir/cur/2.x,S=5:2, c 1 5; chown 65534 bob/Maildir bob/Maildir/cur'
}

# ---- headers without end -------------------------------------------------------------------------

# endless MIB: mailboxes with a header line of that many MiB in front of a small message. (FULL=1 in
# the environment: a gigabyte.)
endless() {
	scratch sh -c 'umask 077; mkdir -p bob/Maildir/cur
		{ printf "From a@b Thu Jan  1 00:00:00 1970\nSubject: "; head -c "$1M" /dev/zero | tr "\0" y; printf "\n\nbody\n\n"; cat; } >ann/mbox
		{ printf "Subject: "; head -c "$1M" /dev/zero | tr "\0" y; printf "\n\nbody\n"; } >bob/Maildir/cur/1.a.host:2,S
		printf "Subject: letter 1\n\nbody\n" >bob/Maildir/cur/2.b.host:2,S' endless "$1" < <(letters 1)
}

@test "a header line without end costs bounded memory and time, whatever is asked" {
	! grep -q __asan_init "$BUILD/mailpeek" || skip "AddressSanitizer needs more room than there is"
	command -v prlimit >/dev/null || skip "prlimit is not installed"
	if [ -n "${FULL:-}" ]; then endless 1024; else endless 128; fi
	local account command status
	for account in ann bob; do
		for command in "list $account" "list -j -F number,size,wire-size,sent,from,message-id,header:x $account" \
			"search $account subject nothing or text nothing" "show -a $account 1" "raw $account 1" "timeline $account" "folders $account" \
			"accounts $account" "usage $account" "verify $account" "trace $account" 'trace <none@x>'; do
			status=0
			# shellcheck disable=SC2086
			scratch timeout 60 prlimit --as=$((256 << 20)) mailpeek -C virtmda.conf $command >/dev/null || status=$?
			[ "$status" -lt 2 ] || is "status below 2 of $command" "$status"
		done
		run -0 peek list "$account"
		[[ ${lines[2]} == *"letter 1" ]]
		[ ${#lines[1]} -lt 70000 ]
	done
}
