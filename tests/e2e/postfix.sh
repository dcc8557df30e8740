# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Postfix as a peer, in a private machine that is up (machine.sh). Its package cannot be installed
# beside sendmail's, so it is fetched, not installed: unpacked in the build directory, copied into
# the machine's memory, and started there with settings, queue and users of its own, on port 10025
# of the machine's loopback interface. It goes when the machine goes.
#
#   postfix_lack        why there can be no Postfix here, or nothing; fetches it when first asked
#   postfix_up          start it; standard input is added to its main.cf
#   postfix COMMAND...  a program of Postfix's (postmap, postqueue, ...)
#   postfix_stop        end it; its queue stays, and postfix_up may be called again
#
# Its log is the machine's. Mail goes in with `inside post.py -p 10025`.

POSTFIX_DIR=/opt/postfix # in the machine
POSTFIX_LIB=$POSTFIX_DIR/usr/lib/postfix

# The package, unpacked once a build directory.
postfix_fetch() (
	[ ! -x "$BUILD/postfix/usr/lib/postfix/sbin/master" ] || exit 0
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit 1
	work=$(mktemp -d "$BUILD/postfix.XXXXXX") || exit 1
	trap 'rm -rf "$work"' EXIT
	cd "$work" || exit 1
	get() { apt-get -q -o APT::Sandbox::User=root download postfix; }
	get || { apt-get -q update && get; } || exit 1
	dpkg-deb -x postfix_*.deb tree && chmod 755 tree || exit 1
	# Somebody else may have been quicker.
	mv -T tree "$BUILD/postfix" || [ -x "$BUILD/postfix/usr/lib/postfix/sbin/master" ]
) >/dev/null 2>&1

postfix_lack() {
	postfix_fetch || {
		echo "needs Debian's postfix package, which cannot be fetched here"
		return
	}
	for postfix_program in "$BUILD"/postfix/usr/lib/postfix/sbin/smtpd "$BUILD"/postfix/usr/sbin/postmap; do
		LD_LIBRARY_PATH=$BUILD/postfix/usr/lib/postfix ldd "$postfix_program" |
			sed -n 's/^[[:blank:]]*\(.*\) => not found/needs \1, for Postfix/p' | head -n 1
	done | head -n 1
}

postfix() {
	postfix_program=$1
	shift
	inside env LD_LIBRARY_PATH="$POSTFIX_LIB" MAIL_CONFIG="$POSTFIX_DIR/conf" \
		"$POSTFIX_DIR/usr/sbin/$postfix_program" "$@"
}

postfix_install() {
	inside mount -t tmpfs -o mode=0755 tmpfs /opt
	inside mkdir $POSTFIX_DIR
	tar -C "$BUILD/postfix" --owner=0 --group=0 -cf - usr | inside tar -C $POSTFIX_DIR -xf -
	inside sh -c '
		cd "$1"
		mkdir conf data spool
		cp usr/share/postfix/dynamicmaps.cf conf
		echo "postfix:x:20901:20901::/nonexistent:/bin/false" >>/etc/passwd
		printf "postfix:x:20901:\npostdrop:x:20902:\n" >>/etc/group
		cd spool
		mkdir active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace
		chown 20901 active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace ../data
		chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace ../data
		chgrp 20902 maildrop public
		chmod 730 maildrop
		chmod 710 public' postfix_install $POSTFIX_DIR
}

postfix_up() {
	inside test -d $POSTFIX_DIR || postfix_install || return
	cat - <<-EOT | inside sh -c 'cat >"$1"' main.cf $POSTFIX_DIR/conf/main.cf
		compatibility_level = 3.6
		import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH=$POSTFIX_LIB
		queue_directory = $POSTFIX_DIR/spool
		data_directory = $POSTFIX_DIR/data
		daemon_directory = $POSTFIX_LIB/sbin
		command_directory = $POSTFIX_DIR/usr/sbin
		shlib_directory = $POSTFIX_LIB
		inet_interfaces = loopback-only
		inet_protocols = ipv4
		myhostname = postfix.test.example
		mydestination = localhost
		alias_maps =
		local_recipient_maps =
		smtpd_peername_lookup = no
		smtp_dns_support_level = disabled
		disable_dns_lookups = yes
		maillog_file =
		$(cat)
	EOT
	inside sh -c 'cat >"$1"' master.cf $POSTFIX_DIR/conf/master.cf <<-'EOT'
		127.0.0.1:10025 inet n - n - - smtpd
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		proxymap unix - - n - - proxymap
		smtp unix - - n - - smtp
		lmtp unix - - n - - lmtp
		error unix - - n - - error
		retry unix - - n - - error
		discard unix - - n - - discard
		showq unix n - n - - showq
		anvil unix - - n - 1 anvil
		scache unix - - n - 1 scache
	EOT
	inside env LD_LIBRARY_PATH=$POSTFIX_LIB MAIL_CONFIG=$POSTFIX_DIR/conf \
		$POSTFIX_LIB/sbin/master -w </dev/null
}

postfix_stop() {
	inside sh -c '
		read -r pid <"$1" || exit 0
		kill "$pid" 2>/dev/null
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done' stop $POSTFIX_DIR/spool/pid/master.pid
}
