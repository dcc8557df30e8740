# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# The programs without sendmail and without rights: settings, map, accounts and mailboxes in one
# scratch directory, everything owned by one ordinary user (the caller; for root, user 65534).
#
#   scratch_up DIR       fill DIR, an existing empty directory
#   scratch COMMAND...   run a command there, as that user
#
# Accounts: ann and carol with mboxes, bob and dave with Maildirs. BUILD as in machine.sh.

scratch_up() {
	scratch_dir=$1
	scratch_user=
	if [ "$(id -u)" -eq 0 ]; then
		scratch_user="setpriv --reuid=65534 --regid=65534 --clear-groups --"
		chown 65534:65534 "$scratch_dir"
	fi
	# BUILD may lie where that user cannot look.
	chmod 755 "$scratch_dir"
	mkdir "$scratch_dir/bin"
	cp "$BUILD/virtmda" "$BUILD/virtmda-getpwnam" "$BUILD/virtmap" "$BUILD/mailpeek" "$scratch_dir/bin/"
	chmod 755 "$scratch_dir/bin" "$scratch_dir/bin/"*
	scratch sh -c '
		umask 022
		mkdir ann bob carol dave spool
		for name in ann carol; do
			echo "$name:x:$(id -u):$(id -g)::$PWD/$name::userdb_mail=mbox:~/mbox"
		done >accounts
		for name in bob dave; do
			echo "$name:x:$(id -u):$(id -g)::$PWD/$name::userdb_mail=maildir:~/Maildir"
		done >>accounts
		cat >virtmda.conf <<-END
			map = $PWD/virtmaps
			domains = $PWD/domains
			accounts = passwd-file:$PWD/accounts
			aliases = none
			spool_directory = $PWD/spool
			log = $PWD/log
		END'
}

# shellcheck disable=SC2086
scratch() {
	(
		cd "$scratch_dir" || exit
		exec $scratch_user env -i PAGER=cat PATH="$scratch_dir/bin:/usr/bin:/bin" LC_ALL=C.UTF-8 TZ=UTC HOME="$scratch_dir" "$@"
	)
}
