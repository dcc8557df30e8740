divert(-1)
dnl #
dnl # SPDX-License-Identifier: GPL-3.0-or-later
dnl #
dnl # FEATURE(`local_virtmda'[, `PATH'[, `ARGS'[, `FLAGS']]]): virtmda is the local mailer, too, so that
dnl # mail for names of this host is filed by the same program, locks and settings as that for the
dnl # domains of the map. Aliases, .forward files, |programs and /files stay sendmail's: what
dnl # comes to virtmda is a bare name that is through with all of them, and goes straight to that
dnl # account, with its +detail for a folder. Put it before MAILER(`local').
dnl #
dnl #	PATH	the program		/usr/local/sbin/virtmda
dnl #	ARGS	A=			virtmda -o forward_files=ignore -f $g -Q $i -- $u$?h+$h$.
dnl #	FLAGS	F= beyond lsDFMAw5:/|@q	Shn9
dnl #
dnl # forward_files=ignore: sendmail has obeyed the .forward; a name that it delivers in spite of one
dnl # (\bob in the file itself) would come back for ever. $h is the detail, in lower case, or empty.
dnl # F=w has sendmail ask the system for every name: where accounts come from a passwd-file, take
dnl # it away with MODIFY_MAILER_FLAGS(`LOCAL', `-w'), and .forward files with it.
dnl #
divert(0)
VERSIONID(`local_virtmda.m4 for virtmda 0.1')
divert(-1)

ifdef(`_MAILER_local_', `errprint(`*** ERROR: FEATURE(`local_virtmda') must come before MAILER(`local')
')')

define(`LOCAL_MAILER_PATH', ifelse(defn(`_ARG_'), `', `/usr/local/sbin/virtmda', `_ARG_'))
define(`LOCAL_MAILER_ARGS', ifelse(len(X`'_ARG2_), `1', `virtmda -o forward_files=ignore -f $g -Q $i -- $u$?h+$h$.', `_ARG2_'))
define(`LOCAL_MAILER_FLAGS', ifelse(len(X`'_ARG3_), `1', `Shn9', `_ARG3_'))
undefine(`_LOCAL_LMTP_')
undefine(`LOCAL_MAILER_DSN_DIAGNOSTIC_CODE')
