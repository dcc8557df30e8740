divert(-1)
dnl #
dnl # SPDX-License-Identifier: GPL-3.0-or-later
dnl #
dnl # FEATURE(`virtmap'[, `FILE'[, `SOCKET']]): every address in a domain of the virtmap goes to
dnl # MAILER(`virtmda'), whole, as user@domain.
dnl #
dnl # FILE lists the domains, one a line, ".domain" for all subdomains of domain at any depth. It is
dnl # written by `virtmap build' (default /etc/virtmda/domains) and becomes class {VirtMap}.
dnl # sendmail reads it when it starts: restart it when a domain came or went, not for users.
dnl # Without the file, or with one in a directory that others may write, it starts all the same,
dnl # and the class is empty.
dnl #
dnl # SOCKET is where `virtmap serve' answers (unix:/run/virtmda/socket). Then sendmail asks it first, and
dnl # an address that the map sends to one address elsewhere, or to an alias, is resolved here and
dnl # queued once, instead of being submitted again by virtmda. Lists, accounts, refusals and
dnl # everything in doubt go to virtmda; so does all mail while nobody answers.
dnl #
dnl # Who has an address, in this order:
dnl #	$j and localhost	sendmail (cron's mail to root must not land in the map)
dnl #	a domain of the class	virtmda, also if it stands in class w
dnl #	a name of class w	sendmail: it is this host
dnl #	below a ".domain"	virtmda
dnl #	anything else		sendmail
dnl #
dnl # The domains need not be in class w, in relay-domains or in the DNS: they are relayed to, like
dnl # VIRTUSER_DOMAIN's (that is, with their subdomains, unless FEATURE(`relay_hosts_only')), and
dnl # their names count as canonical before any look-up, so that a CNAME cannot change a recipient.
dnl #
divert(0)
VERSIONID(`virtmap.m4 for virtmda 0.1')
divert(-1)

define(`_VIRTMAP_', `')
define(`_VIRTMAP_FILE_', ifelse(defn(`_ARG_'), `', `/etc/virtmda/domains', `_ARG_'))

PUSHDIVERT(5)
# domains of the virtmap
F{VirtMap}-o _VIRTMAP_FILE_
CR$={VirtMap}
# what cannot stand between a host and the ".domain" it is in
C{VirtMapDot}.
ifelse(len(X`'_ARG2_), `1', `', `# where the map sends an address, as virtmap serve tells
Kvirtmap socket -f -T<TMPF> _ARG2_')
POPDIVERT

LOCAL_RULE_3
# domains of the virtmap are canonical
R$* < @ $={VirtMap} > $*	$: $1 < @ $2 . > $3
R$* < @ $* $~{VirtMapDot} $={VirtMap} > $*	$: $1 < @ $2 $3 $4 . > $5

LOCAL_RULE_0
# domains of the virtmap
R$+ < @ $+ . >		$: $>VirtMap $1 < @ $2 . >
ifelse(len(X`'_ARG2_), `1', `', `R<virtmap> $+		$: < $(virtmap $1 $: $) > <virtmap> $1
R< $* <TMPF> > <virtmap> $+	$: <virtmap> $2		nobody answers
R< > <virtmap> $+	$: <virtmap> $1			not for us to resolve
R< $+ > <virtmap> $+	$: $>Recurse $1			elsewhere, or an alias
')dnl
R<virtmap> $+		$#virtmda $@ virtmda $: $1

LOCAL_RULESETS
##################################################
###  Ruleset VirtMap -- domains of the virtmap ###
###  user<@domain.>, if it is one of them,     ###
###  becomes <virtmap> user@domain             ###
##################################################
SVirtMap
R$+ < @ $j . >		$@ $1 < @ $j . >		this host itself
R$+ < @ $={VirtMap} . >	$@ <virtmap> $1 @ $2		a domain of the map
R$+ < @ $=w . >		$@ $1 < @ $2 . >		another name of this host
R$+ < @ $* $~{VirtMapDot} $={VirtMap} . >	$@ <virtmap> $1 @ $2 $3 $4	below a .domain
divert(-1)

m4wrap(`ifdef(`_MAILER_virtmda_', `', `errprint(`*** ERROR: FEATURE(`virtmap') needs MAILER(`virtmda')
')')')
