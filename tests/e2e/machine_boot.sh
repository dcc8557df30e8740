#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# First process of a private machine (machine.sh): make its file systems, put the programs
# where `make install` puts them, and become its init. Says "ready" into FIFO, or
# nothing (the reader then sees the end of file) when something failed.
#
#   machine_boot.sh SOURCE-TREE BUILD HOST-NAME FIFO
set -eu

tree=$1 build=$2 name=$3
exec 9>"$4"

hostname "$name"

# private DIR [MOUNT-OPTION...]: a copy of DIR in memory takes its place.
private() {
	dir=$1
	shift
	mount -t tmpfs "$@" tmpfs /mnt
	cp -a "$dir/." /mnt/
	mount --move /mnt "$dir"
}

# empty DIR OPTIONS: an empty directory in memory takes its place.
empty() { mount -t tmpfs -o "$2" tmpfs "$1"; }

# First what comes out of the source tree, which may lie below one of the directories
# covered later.
empty /usr/local/sbin mode=0755
for program in virtmda virtmda-getpwnam virtmap mailpeek; do
	if [ -x "$build/$program" ]; then
		cp "$build/$program" /usr/local/sbin/
	fi
done
cp "$tree"/tests/e2e/*.py /usr/local/sbin/
chmod 755 /usr/local/sbin/*
private /usr/share/sendmail/cf
cp "$tree"/sendmail-cf/mailer/*.m4 /usr/share/sendmail/cf/mailer/
cp "$tree"/sendmail-cf/feature/*.m4 /usr/share/sendmail/cf/feature/

private /etc
mkdir -p /etc/virtmda
cp "$tree/samples/sendmail.mc" /etc/mail/sendmail.mc
# The tests are at home nowhere in the DNS, a busy machine shall not hold back their mail, and
# what Debian's sendmail would refuse (NUL) shall be tried.
cat >/etc/mail/test.m4 <<'EOT'
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`nocanonify')dnl
define(`confDELIVERY_MODE', `interactive')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confDELAY_LA', `0')dnl
define(`confTO_IDENT', `0')dnl
define(`confREJECT_NUL', `false')dnl
EOT
sed '/^FEATURE(.virtmap/r /etc/mail/test.m4' /etc/mail/sendmail.mc >/etc/mail/test.mc
m4 /etc/mail/test.mc >/etc/mail/sendmail.cf
printf '127.0.0.1 %s %s localhost\n' "$name" "${name%%.*}" >/etc/hosts
: >/etc/resolv.conf
printf 'passwd: files systemd\ngroup: files systemd\nhosts: files\n' >/etc/nsswitch.conf
: >/etc/mail/local-host-names
printf 'postmaster: root\nMAILER-DAEMON: postmaster\n' >/etc/aliases
rm -f /etc/mail/aliases.db
while read -r user uid; do
	echo "$user:x:$uid:$uid::/home/$user:/bin/sh" >>/etc/passwd
	echo "$user:x:$uid:" >>/etc/group
done <<'ACCOUNTS'
ann 20001
bob 20002
carol 20003
dave 20004
ACCOUNTS

empty /home mode=0755
for user in ann bob carol dave; do
	mkdir -m 0700 "/home/$user"
	chown "$user:$user" "/home/$user"
done
empty /var/mail mode=2775,gid=mail
empty /var/spool/mqueue mode=0700
empty /var/lib/sendmail mode=0755
mkdir /var/lib/sendmail/host_status
empty /var/tmp mode=1777
empty /run mode=0755
mkdir -p /run/sendmail/mta

# A /dev of its own for the log socket; devices of the old one shine through.
mount -t tmpfs -o mode=0755 tmpfs /mnt
for device in null zero full random urandom tty; do
	: >"/mnt/$device"
	mount --bind "/dev/$device" "/mnt/$device"
done
mkdir /mnt/pts /mnt/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /mnt/pts
ln -s pts/ptmx /mnt/ptmx
ln -s /proc/self/fd /mnt/fd
mount --move /mnt /dev

cd /
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
exec python3 /usr/local/sbin/init.py
