divert(-1)
dnl #
dnl # SPDX-License-Identifier: GPL-3.0-or-later
dnl #
dnl # FEATURE(`virtmap_verify', `program'[, `PATH']) or FEATURE(`virtmap_verify', `socket'[, `SOCKET']):
dnl # ask the virtmap at RCPT time, so that what cannot be delivered is refused at the door and
dnl # nobody gets a bounce for mail that he did not send.
dnl #
dnl #	program	sendmail starts `virtmap verify' for each recipient: nothing else to run.
dnl #		PATH is the program (/usr/local/sbin/virtmap). It runs as sendmail's
dnl #		default user, who must be able to read map, accounts and aliases, and does
dnl #		not see into mailboxes: mail to a full one is let in, and waits in the queue or,
dnl #		with over_quota = reject, bounces. Where there are quotas, use socket.
dnl #	socket	sendmail asks `virtmap serve', which answers at SOCKET
dnl #		(unix:/run/virtmda/socket), some ten times as quick, and knows quotas.
dnl #
dnl # The client is told, for recipients in the domains of FEATURE(`virtmap'), and no others:
dnl #
dnl #	550 5.1.1	nobody has this name
dnl #	as written	the map has an error: for it; with status, reply code and text
dnl #	452 4.2.2, 552 5.2.2	the mailbox is full
dnl #	451 4.3.x	could not tell: also when program or server are missing or fail
dnl #
dnl # Everything else about the recipient (access_db, blocklist_recipients, relaying) and the client is
dnl # decided as without this feature. FEATURE(`delay_checks') may be used. To have your own
dnl # Local_check_rcpt beside it, write its rules behind `SLocal_check_rcpt' in LOCAL_RULESETS.
dnl #
divert(0)
VERSIONID(`virtmap_verify.m4 for virtmda 0.1')
divert(-1)

define(`_VIRTMAP_VERIFY_', `')
ifelse(defn(`_ARG_'), `program', `',
	defn(`_ARG_'), `socket', `',
	`errprint(`*** ERROR: FEATURE(`virtmap_verify') needs `program' or `socket' for an argument
')')

PUSHDIVERT(5)
# may mail for an address of the virtmap come in?
ifelse(defn(`_ARG_'), `socket',
`Kverify socket -f -T<TMPF> ifelse(len(X`'_ARG2_), `1', `unix:/run/virtmda/socket', `_ARG2_')',
`Kverify program -f -T<TMPF> ifelse(len(X`'_ARG2_), `1', `/usr/local/sbin/virtmap', `_ARG2_') verify --')
POPDIVERT

LOCAL_RULESETS
SLocal_check_rcpt
# recipients in domains of the virtmap
R$*			$: $1 $| $>VirtMapVerify $>CanonAddr $1
R$* $| $#$*		$#$2
R$* $| $*		$: $1

SVirtMapVerify
R$+ < @ $+ . >		$: $>VirtMap $1 < @ $2 . >
R<virtmap> $+		$: <virtmap> $(verify $1 $: $)
R<virtmap> OK		$@ OK
R<virtmap> REJECT $- . $- . $- $+	$#error $@ $1 . $2 . $3 $: $4
R<virtmap> TEMP $- . $- . $- $+	$#error $@ $1 . $2 . $3 $: $4
R<virtmap> $*		$#error $@ 4.3.0 $: "451 temporary trouble here, try again later"
divert(-1)

m4wrap(`ifdef(`_VIRTMAP_', `', `errprint(`*** ERROR: FEATURE(`virtmap_verify') needs FEATURE(`virtmap')
')')')
