PUSHDIVERT(-1)
dnl #
dnl # SPDX-License-Identifier: GPL-3.0-or-later
dnl #
dnl # MAILER(`virtmda'): the delivery agent for FEATURE(`virtmap').
dnl #
dnl # Put it behind MAILER(`local') and MAILER(`smtp'), whose rulesets it shares. Define
dnl # before it, if the default is not what you want:
dnl #
dnl #	VIRTMDA_MAILER_PATH	the program			/usr/local/sbin/virtmda
dnl #	VIRTMDA_MAILER_LMTP	speak LMTP with it: all recipients of a message in one run, each
dnl #				with a reply of its own
dnl #	VIRTMDA_MAILER_FLAGS	F= beyond the fixed lsDFM	Shn; with LMTP ShnmXz
dnl #	VIRTMDA_MAILER_ARGS	A=				virtmda -f $g -Q $i -- $u
dnl #							with LMTP virtmda -l
dnl #	VIRTMDA_MAILER_MAX	M=, bytes; larger mail is refused with 5.2.3
dnl #	VIRTMDA_MAILER_WAIT	W=, how long sendmail waits for it ("10m"; 8.17.1 reads it
dnl #				and waits without end all the same)
dnl #	VIRTMDA_MAILER_MAXRCPTS	r=, recipients of one run; only means something with F=m
dnl #	VIRTMDA_MAILER_CHARSET	C=, character set for 8-bit mail that names none
dnl #	VIRTMDA_MAILER_QGRP	Q=, queue group of its recipients
dnl #
dnl # MODIFY_MAILER_FLAGS(`VIRTMDA', `+...') works as for every mailer. Why these flags:
dnl #
dnl #	l	final delivery: success notices are ours to send, and a program that is
dnl #		missing defers the mail instead of bouncing it
dnl #	s	quotes off the local part, the form in which the map has its keys
dnl #	DFM	Date, From and Message-Id where they are missing
dnl #	S	the program stays root, so that it can become the account it delivers to
dnl #	h	the domain goes on in the spelling of the sender
dnl #	n	no From_ line: the program writes it, from -f
dnl #
dnl # and with LMTP these:
dnl #
dnl #	z	LMTP instead of one exit status; must not have $u in its arguments
dnl #	m	several recipients at once
dnl #	X	a dot that begins a line is doubled
dnl #
dnl # A bounce made here has this host's MAILER-DAEMON for its sender until it leaves by SMTP, which
dnl # sends the null address of RFC 5321 instead. Mailboxes shall have the same, so that nothing
dnl # ever answers a bounce: that is what the sender's own ruleset is for.
dnl #
dnl # And why not these: 5 takes joe+x@domain to the local mailer; w asks getpwnam for the whole
dnl # address, so that nobody exists; A and @ expand local names although the map decides; m without z
dnl # passes several recipients at once, for which there is only one exit status; P has Return-Path
dnl # written twice.
dnl #
_DEFIFNOT(`VIRTMDA_MAILER_PATH', `/usr/local/sbin/virtmda')
_DEFIFNOT(`_DEF_VIRTMDA_MAILER_FLAGS', `lsDFM')
_DEFIFNOT(`VIRTMDA_MAILER_FLAGS', ifdef(`VIRTMDA_MAILER_LMTP', `ShnmXz', `Shn'))
_DEFIFNOT(`VIRTMDA_MAILER_ARGS', ifdef(`VIRTMDA_MAILER_LMTP', `virtmda -l', `virtmda -f $g -Q $i -- $u'))
define(`_VIRTMDA_TYPE', ifdef(`VIRTMDA_MAILER_LMTP', `SMTP', `X-Unix'))dnl
define(`_VIRTMDA_QGRP', `ifelse(defn(`VIRTMDA_MAILER_QGRP'),`',`', ` Q=VIRTMDA_MAILER_QGRP,')')dnl

ifdef(`_MAILER_smtp_', `dnl', `errprint(`*** ERROR: MAILER(`virtmda') must come after MAILER(`local') and MAILER(`smtp')
')')

POPDIVERT

########################################
###   virtmda Mailer specification   ###
########################################

VERSIONID(`virtmda.m4 for virtmda 0.1')

#
#  Envelope sender rewriting
#
SEnvFromVirtmda
R$n			$@ <@>				bounces have no sender
R$n < @ $=w . >		$@ <@>
R$n < @ *LOCAL* >	$@ <@>
R$*			$@ $>EnvFromSMTP $1

Mvirtmda,	P=VIRTMDA_MAILER_PATH, F=_MODMF_(CONCAT(_DEF_VIRTMDA_MAILER_FLAGS, VIRTMDA_MAILER_FLAGS), `VIRTMDA'), S=EnvFromVirtmda/HdrFromL, R=EnvToL/HdrToL,
		_OPTINS(`VIRTMDA_MAILER_MAX', `M=', `, ')_OPTINS(`VIRTMDA_MAILER_WAIT', `W=', `, ')_OPTINS(`VIRTMDA_MAILER_MAXRCPTS', `r=', `, ')_OPTINS(`VIRTMDA_MAILER_CHARSET', `C=', `, ')T=DNS/RFC822/_VIRTMDA_TYPE,_VIRTMDA_QGRP
		A=VIRTMDA_MAILER_ARGS
