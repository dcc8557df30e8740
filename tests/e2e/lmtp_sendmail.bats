#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The whole way with a real sendmail at both ends: it takes mail by SMTP, from people who have proved
# who they are and people who have not, speaks LMTP to virtmda, and is handed aliases, programs, lists
# and .forwards again. What it says to us on the way is kept in /run/lmtp.

load helpers

the_map() {
	cat <<-'EOT'
		ann@one.example       ann
		bob@one.example       bob
		dave@one.example      dave
		far@one.example       friend@[127.0.0.2]
		team@one.example      team
		partly@one.example    carol, nobodyhere, friend@[127.0.0.2]
		program@one.example   script
		one.example           error:nouser unknown here
	EOT
}

setup_file() {
	machine
	[ -z "$LACK" ] || return 0
	write /usr/local/sbin/lmtp-tee <<-'EOT'
		#!/bin/sh
		tee -a /run/lmtp | virtmda -l
	EOT
	printf '#!/bin/sh\ncat >/run/out/of-script\n' | write /run/script
	inside sh -c 'chmod 755 /usr/local/sbin/lmtp-tee /run/script; mkdir -m 1777 /run/out'
	configure "define(\`VIRTMDA_MAILER_LMTP', \`')dnl" 'define(`confAUTH_MECHANISMS'"', \`PLAIN')dnl" \
		"TRUST_AUTH_MECH(\`PLAIN')dnl"
	inside sh -c 'sed -i "s|P=/usr/local/sbin/virtmda|P=/usr/local/sbin/lmtp-tee|" /etc/mail/sendmail.cf
		cp /etc/mail/sendmail.cf /run/without-smrsh.cf'
	sendmail_restart
	the_map | map
	printf 'postmaster: root\nroot: dave\nteam: ann, bob\nscript: "|/run/script"\n' | write /etc/aliases
	inside newaliases
	inside sh -c 'sink.py 127.0.0.2 /run/sink >/run/sink.log 2>&1 </dev/null & until grep -q ready /run/sink.log; do sleep 0.05; done'
}

teardown_file() { machine_down; }

setup() {
	clean
	inside sh -c 'rm -f /run/sink/* /run/out/* /home/*/.forward; : >/run/lmtp; chmod 666 /run/lmtp'
	settings </dev/null
}

settled() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(queued)" -eq 0 ] && return
		sleep 0.3
	done
	is 0 "$(queued)" "messages in the queue"
}

sunk() { inside sh -c 'ls /run/sink | grep -c -v part' || true; }

# smtp <LINES: said to sendmail as they are; its replies' codes.
smtp() {
	inside python3 -c '
import socket, sys
session = socket.create_connection(("127.0.0.1", 25), 60)
replies = session.makefile("rb")
def reply():
    while True:
        line = replies.readline()
        if not line: raise SystemExit("hung up")
        if line[3:4] != b"-": return line[:3].decode()
codes = [reply()]
data = False
for line in sys.stdin.buffer:
    session.sendall(line.replace(b"\n", b"\r\n"))
    if data and line != b".\n": continue
    codes.append(reply())
    data = codes[-1] == "354"
print(*codes)'
}

# What sendmail asks is answered yes: a stand-in for saslauthd.
believe_everybody() {
	inside sh -c 'for where in /etc/sasl2 /etc/mail/sasl; do
			mkdir -p $where && printf "pwcheck_method: saslauthd\nsaslauthd_path: /run/saslauthd\nmech_list: PLAIN\n" >$where/Sendmail.conf
		done'
	inside python3 -c '
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind("/run/saslauthd")
os.chmod("/run/saslauthd", 0o777)
server.listen()
if os.fork() == 0:
    os.setsid()
    for fd in range(4): # bats waits for whoever has its descriptors
        try: os.close(fd)
        except OSError: pass
    while True:
        client = server.accept()[0]
        client.recv(4096)
        client.sendall(b"\0\2OK")
        client.close()'
}

@test "a sender who has proved who it is, and says so of the message, too" {
	inside sh -c 'ls /usr/lib/*/sasl2/libplain.so' >/dev/null 2>&1 || skip "needs libsasl2-modules"
	believe_everybody
	sendmail_restart
	is "220 250 235 250 250 250 354 250 221" "$(printf '%s\n' 'EHLO x' \
		"AUTH PLAIN $(printf '\0ann\0secret' | base64)" 'MAIL FROM:<ann@one.example> AUTH=ann@one.example' \
		'RCPT TO:<bob@one.example>' 'RCPT TO:<far@one.example>' DATA 'Subject: proved' '' text . QUIT | smtp)"
	settled
	is proved "$(headers bob Subject)"
	is 1 "$(sunk)"
	header bob 1 Received | grep -q 'authenticated'
	logged 'AUTH=server.*mech=PLAIN'
	is "" "$(inside grep AUTH= /run/lmtp)" "what LMTP was told of it"
}

@test "what is said about notices ends with sendmail: LMTP offers no DSN, and what goes on says whose it was" {
	is "220 250 250 250 250 354 250 221" "$(printf '%s\n' 'EHLO x' 'MAIL FROM:<ann@one.example> RET=HDRS ENVID=q1' \
		'RCPT TO:<far@one.example> NOTIFY=FAILURE ORCPT=rfc822;first@one.example' \
		'RCPT TO:<bob@one.example> NOTIFY=SUCCESS' DATA 'Subject: notices' '' text . QUIT | smtp)"
	settled
	inside grep -q -i '^RCPT TO:<far@one.example>' /run/lmtp
	is "" "$(inside grep -i -e RET= -e ENVID= -e NOTIFY= -e ORCPT= /run/lmtp)" "words about notices"
	is 1 "$(sunk)"
	inside sh -c 'grep -h ^TO /run/sink/*' | grep -q 'ORCPT=rfc822;far@one.example'
	# The notice of success that bob's sender asked for is sendmail's own.
	is 1 "$(count ann)"
	body ann 1 | grep -q 'Action: delivered'
}

@test "a list with a member that is refused: the others have it once, and the sender one notice" {
	send partly ann@one.example partly@one.example bob@one.example
	settled
	is partly "$(headers carol Subject)"
	is partly "$(headers bob Subject)"
	is 1 "$(sunk)"
	is 1 "$(count ann)"
	body ann 1 | grep -q '^Final-Recipient: rfc822; nobodyhere'
	is 'Returned mail: not delivered to everybody' "$(headers ann Subject)"
	run_queue
	is 1 "$(count carol)" "after a queue run"
}

@test "two addresses of one alias in one message: its members get one" {
	{
		the_map
		echo 'team@two.example team'
	} | map
	send twice eve@far.example team@one.example team@two.example
	settled
	is 1 "$(count ann)"
	is 1 "$(count bob)"
	is 1 "$(inside grep -c '^DATA' /run/lmtp)" transactions
	the_map | map
}

@test "a .forward, with the mailbox for its own part" {
	write /home/dave/.forward <<<'\dave, friend@[127.0.0.2]'
	inside chown dave /home/dave/.forward
	send forward eve@far.example dave@one.example ann@one.example
	settled
	is forward "$(headers dave Subject)"
	is forward "$(headers ann Subject)"
	is 1 "$(sunk)"
	logged 'account=dave, relay=sendmail.*stat=Forwarded'
}

@test "an alias to a program, with smrsh and without" {
	send program ann@one.example program@one.example
	settled
	inside grep -q '^Subject: program' /run/out/of-script
	local smrsh
	smrsh=$(inside sh -c 'ls /usr/lib/sm.bin/smrsh /usr/libexec/sendmail/smrsh 2>/dev/null' | head -n 1)
	[ -n "$smrsh" ] || skip "the rest needs smrsh"
	inside sh -c 'rm /run/out/of-script; cp /etc/mail/sendmail.cf /run/cf
		sed -i "/^Mprog/,/A=/{s|P=[^,]*|P=$1|;s|A=.*|A=smrsh -c \$u|}" /etc/mail/sendmail.cf' sh "$smrsh"
	send refused ann@one.example program@one.example
	settled
	inside cp /run/cf /etc/mail/sendmail.cf
	inside test ! -e /run/out/of-script
	is 1 "$(count ann)"
	body ann 1 | grep -q 'smrsh: .*not available for sendmail programs'
}
