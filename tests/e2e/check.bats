#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmap check: each finding is made to appear, by name and at its place, and a sound map has none.
# Works for any user in a directory of its own; the last tests ask what only root is asked.

load map
load findings

setup() {
	begin 'aliases = @DIR/aliases' 'accepted_domains = names:@DIR/accepted' 'local_domains = host.example'
	mkdir "$DIR/home"
	cat >"$DIR/accounts" <<-EOT
		bob:x:1001:1001::$DIR/home::
		carol:x:1002:1002::/nowhere::
		zoe@one.example:x:1003:1003::/nowhere::
		admin:x:0:0::/nowhere::
	EOT
	printf 'postmaster: bob\nteam: bob, carol\n' >"$DIR/aliases"
	printf 'one.example\ntwo.example # ours, too\n.three.example\n' >"$DIR/accepted"
	cat >"$DIR/virtmaps" <<-'EOT'
		# Our domains.

		webmaster@one.example    bob
		webmaster@two.example    carol
		team@two.example         team
		@one.example             carol%3
		.three.example           bob, carol
	EOT
}

# with LINE...: the sound map with more lines (from line 8 on), compiled if it can be.
with() {
	printf '%s\n' "$@" >>"$DIR/virtmaps"
	v build >/dev/null 2>&1 || :
}

# finds STATUS LINE [ARGUMENT...]: check says this very line, as the only one beside hints and the
# count, with $DIR for the directory.
finds() {
	local want=$1 line=${2//@DIR/$DIR}
	shift 2
	run v "$@" check
	echo "check: $status: $output"
	[ "$status" -eq "$want" ]
	[ "$(grep -c '\]$' <<<"$output")" -eq 1 ]
	[ "$(grep '\]$' <<<"$output")" = "$line" ]
}

# tells STATUS WORDS: among others, check says this.
tells() {
	run v check
	echo "check: $status: $output"
	[ "$status" -eq "$1" ]
	[[ $output == *"${2//@DIR/$DIR}"* ]]
}

silent() {
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *" 0 errors, 0 warnings" ]]
}

# ---- how it speaks -------------------------------------------------------------------------

@test "a sound map: one line" {
	v build
	run v check
	[ "$status" -eq 0 ]
	[ "$output" = "$DIR/virtmaps: 5 mappings, 0 errors, 0 warnings" ]
}

@test "keys that hold quotes, backslashes and a second @ are in text and compiled map alike" {
	with 'a\"b@one.example bob' '"a\\b"@one.example bob' '"a@b"@one.example bob' '"a b"@one.example bob'
	silent
	run v diff
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(v resolve -q 'a"b@one.example')" = "account bob" ]
}

@test "findings stand in the order of lines, each name with its hint once, and are counted" {
	with 'a@one.example nobody' '@two.example x@far.example' 'b@one.example lost' 'b+x@one.example lost'
	run v check
	echo "$output"
	[ "$status" -eq 65 ]
	is=$(grep '\]$' <<<"$output" | sed 's/.*virtmaps:\([0-9]*\): \([a-z]*\):.*\[\(.*\)\]/\1 \2 \3/' | paste -sd ,)
	[ "$is" = "8 error dangling-target,9 warning remote-catchall,10 error dangling-target,11 error dangling-target,11 note redundant" ]
	[ "$(grep -c '^    ' <<<"$output")" -eq 3 ]
	[[ ${lines[1]} == "    Make the account"* ]]
	[ "${lines[-1]}" = "$DIR/virtmaps: 9 mappings, 3 errors, 1 warning, 1 note" ]
}

@test "names select, and the status is that of what was selected" {
	with 'a@one.example nobody' '@two.example x@far.example'
	run v check remote-catchall
	[ "$status" -eq 0 ]
	[[ $output == *"[remote-catchall]"* && $output != *dangling* && $output == *"0 errors, 1 warning"* ]]
	run v check remote-catchall dangling-target
	[ "$status" -eq 65 ]
	run v check nosuch
	[ "$status" -eq 64 ]
}

@test "-j: one object, the same findings" {
	with 'a@one.example nobody' $'b@one.example x\xff@far.example'
	run --separate-stderr v check -j
	[ "$status" -eq 65 ]
	python3 - "$DIR" "$output" <<-'EOT'
		import json, sys
		dir, text = sys.argv[1:]
		all = json.loads(text)
		assert set(all) == {"map", "mappings", "errors", "warnings", "notes", "findings"}, all
		assert (all["map"], all["mappings"], all["errors"]) == (dir + "/virtmaps", 7, 1), all
		one = all["findings"][0]
		assert set(one) == {"name", "severity", "file", "line", "text", "hint"}, one
		assert (one["name"], one["severity"], one["file"], one["line"]) == \
		    ("dangling-target", "error", dir + "/virtmaps", 8), one
	EOT
	rm "$DIR/domains"
	run --separate-stderr v check -j domains-file
	[ "$status" -eq 65 ]
	[[ $output == *'"line": null'* ]]
}

@test "the man page lists every finding with its severity, meaning and hint" {
	findings_of "$ROOT/man/virtmap.8" >"$DIR/man"
	v check -l | listed >"$DIR/list"
	[ "$(wc -l <"$DIR/list")" -ge 26 ]
	diff "$DIR/man" "$DIR/list"
}

@test "every finding of the list is made to appear by a test" {
	for name in $(v check -l | cut -f 1); do
		grep -q "\[$name\\\\*\]" "$ROOT"/tests/e2e/check*.bats || { echo "$name"; return 1; }
	done
}

# ---- the text ------------------------------------------------------------------------------

@test "malformed, duplicate: with both lines" {
	with 'nothing@one.example' 'WebMaster@One.Example. carol' 'x@one.example |/bin/sh'
	run v check malformed duplicate
	echo "$output"
	[ "$status" -eq 65 ]
	[[ $output == *"virtmaps:8: error: nothing@one.example: there is no target [malformed]"* ]]
	[[ $output == *"virtmaps:9: error: webmaster@one.example is already mapped in line 3 [duplicate]"* ]]
	[[ $output == *"virtmaps:10: error: "*"[malformed]"* ]]
}

@test "cycle, long-chain" {
	with 'a@one.example b@two.example' 'b@two.example a@one.example'
	tells 65 "virtmaps:8: error: this goes round in a circle: a@one.example -> b@two.example -> a@one.example [cycle]"
	for i in $(seq 12); do echo "c$i@one.example c$((i + 1))@one.example"; done >>"$DIR/virtmaps"
	tells 65 "virtmaps:10: error: this takes more than 10 steps: c1@one.example -> "
	[[ $output == *"[long-chain]"* ]]
	echo 'nothing@one.example' >>"$DIR/virtmaps"
	tells 65 "virtmaps:22: error: nothing@one.example: there is no target [malformed]"
	[[ $output == *"[cycle]"*"[long-chain]"* ]]
}

@test "dangling-target: names, members of lists, addresses; not what is proven to be there" {
	with 'a@one.example nobody' 'b@one.example bob, nobody, far@far.example' 'c@one.example lost@two.example' \
		'd+*@one.example nobody%3' 'e@one.example team+x' 'f@one.example zoe@one.example' 'g@one.example h@two.example' \
		'h@two.example nobody' 'bob@one.example %1' 'jim@one.example %1' 'i@one.example j@two.example' \
		'j@two.example error:nouser He left'
	run v check
	echo "$output"
	[ "$status" -eq 65 ]
	is=$(sed -n 's/.*virtmaps:\([0-9]*\): error: \(.*\) \[dangling-target\]/\1 \2/p' <<<"$output" | paste -sd ,)
	[ "$is" = "8 nobody: no alias and no account,9 nobody: no alias and no account,10 lost@two.example: no mapping and no account,11 nobody: no alias and no account,15 nobody: no alias and no account,17 jim: no alias and no account" ]
	[[ $output == *" 6 errors, 0 warnings"* ]]
}

@test "unusable-target: an account below min_uid" {
	with 'a@one.example admin'
	finds 65 "@DIR/virtmaps:8: error: admin: account admin has uid 0, below min_uid = 1: make it an alias, or map it elsewhere [unusable-target]"
}

@test "could-not-tell is never dangling, and is said once" {
	v build
	rm "$DIR/aliases"
	run v check
	echo "$output"
	[ "$status" -eq 65 ]
	[ "$(grep -c 'aliases: No such file or directory \[could-not-tell\]' <<<"$output")" -eq 1 ]
	[[ $output == *"of 7 targets nothing could be told [could-not-tell]"* ]]
	[[ $output != *dangling* ]]
	printf 'postmaster: bob\nteam: bob\n' >"$DIR/aliases"
	rm "$DIR/accounts"
	run v check
	echo "$output"
	[ "$status" -eq 65 ]
	[[ $output == *"accounts: No such file or directory [could-not-tell]"* && $output != *dangling* ]]
}

@test "dangling-postmaster, refused-postmaster" {
	v build
	finds 65 "@DIR/conf: error: postmaster = nobody: no alias and no account [dangling-postmaster]" -o postmaster=nobody
	finds 65 "@DIR/conf: error: abuse = nobody: no alias and no account [dangling-postmaster]" -o abuse=nobody
	with 'postmaster@one.example error:nouser Nobody' 'postmaster@two.example bob'
	finds 0 "@DIR/virtmaps:8: warning: postmaster@one.example -> error:nouser Nobody [refused-postmaster]"
}

@test "remote-catchall: every kind of catch-all, and only to other hosts" {
	with '@two.example x@far.example' '++@two.example bob, %1@far.example' '.four.example %1@four.far.example' \
		'@ x@far.example' 'x@one.example x@far.example' '++@one.example %1@two.example' \
		'+*@two.example bob@host.example' '@five.example bob@www.three.example'
	printf '%s\n' two.example .four.example five.example >>"$DIR/accepted"
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	is=$(sed -n 's/.*virtmaps:\([0-9]*\): warning: \(.*\) \[remote-catchall\]/\1 \2/p' <<<"$output" | paste -sd ,)
	[ "$is" = "8 @two.example goes out to far.example,9 ++@two.example goes out to far.example,10 .four.example goes out to four.far.example,11 @ goes out to far.example" ]
}

@test "remote-catchall: this host's domains are those of delivery, however the settings spell them" {
	sed -i 's/^local_domains = .*/local_domains = Büro.Example. HOST.example/' "$DIR/conf"
	with '@two.example x@büro.example' '++@two.example x@host.example' '+*@two.example x@far.example'
	run v check remote-catchall
	echo "$output"
	[ "$(grep -c '\]$' <<<"$output")" -eq 1 ]
	[[ $output == *"virtmaps:10: warning: +*@two.example goes out to far.example"* ]]
}

@test "unreachable: a pattern behind a second plus, a pattern between two others, @ without a domain left" {
	with 'a+b++@one.example bob' '+a++@one.example bob' 'c++@one.example bob' 'c+@one.example bob%3' 'c+*@one.example carol' \
		'd++@one.example bob' 'd+*@one.example carol'
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	is=$(sed -n 's/.*virtmaps:\([0-9]*\): warning: .* \[unreachable\]/\1/p' <<<"$output" | paste -sd ,)
	[ "$is" = "8,12" ]
	# What check says no address reaches, none reaches: each is tried.
	[ "$(v resolve -q 'a+b+x@one.example')" = "account carol+b+x" ]
	[ "$(v resolve -q '+a+x@one.example')" = "account bob" ]
	[ "$(v resolve -q 'c+x@one.example')" = "account bob" ]
	[ "$(v resolve -q 'c+@one.example')" = "account bob" ]
	[ "$(v resolve -q 'd+@one.example')" = "account carol" ]
	v build
	echo '@ carol' >>"$DIR/virtmaps"
	v build
	run v check unreachable
	[[ $output != *"virtmaps:15"* ]]
	echo '@two.example bob' >>"$DIR/virtmaps"
	v build
	run v check unreachable
	echo "$output"
	[[ $output == *"virtmaps:15: warning: @: every domain of the map has a catch-all of its own [unreachable]"* ]]
	# A .parent is one.
	sed -i 's/^@two.example.*/.example bob/' "$DIR/virtmaps"
	v build
	run v check unreachable
	[[ $output == *"virtmaps:15: "* ]]
}

@test "redundant: taking the line out changes no answer" {
	with 'x@one.example bob' 'x+a@one.example bob' 'x+b@one.example carol' 'x++@one.example bob' '.a.three.example bob, carol' \
		'.b.three.example bob' '++@one.example carol%3' '@b.a.three.example bob, carol' 'y++@one.example error:nouser No %0' 'y@one.example error:nouser No %0'
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	is=$(sed -n 's/.*virtmaps:\([0-9]*\): note: \(.*\) \[redundant\]/\1 \2/p' <<<"$output" | paste -sd ,)
	[ "$is" = "9 x+a@one.example: x++@one.example in line 11 does the same,11 x++@one.example: x@one.example in line 8 does the same,12 .a.three.example: .three.example in line 7 does the same,14 ++@one.example: @one.example in line 6 does the same,15 @b.a.three.example: .a.three.example in line 12 does the same" ]
	ask() { v resolve -q x+a@one.example x+c@one.example x+@one.example q@s.a.three.example n+d@one.example n@b.a.three.example; }
	before=$(ask) || :
	for key in x+a@one.example x++@one.example .a.three.example ++@one.example @b.a.three.example; do
		v rm "$key"
		[ "$(ask)" = "$before" ]
	done
}

# ---- accounts ------------------------------------------------------------------------------

@test "bad-account: malformed lines and names that stand twice" {
	v build
	echo 'broken' >>"$DIR/accounts"
	echo 'BOB:x:5:5::/h::' >>"$DIR/accounts"
	tells 65 "accounts:5: error: no uid [bad-account]"
	[[ $output == *"accounts:6: error: bob already stands in line 1 [bad-account]"* ]]
}

@test "procmailrc, forward-file: once an account" {
	with 'b@one.example bob+x' 'c@one.example bob'
	touch "$DIR/home/.procmailrc"
	finds 0 "@DIR/home/.procmailrc: warning: account bob: this file is not obeyed [procmailrc]"
	mv "$DIR/home/.procmailrc" "$DIR/home/.forward"
	run v -o forward_files=ignore check
	echo "$output"
	[[ $output == *"home/.forward: note: account bob: this file is not obeyed (forward_files = ignore) [forward-file]"* ]]
	tells 0 "home/.forward: note: account bob: mail is handed to sendmail"
	[ "$(grep -c 'forward-file' <<<"$output")" -eq 1 ]
	[[ $output == *"0 errors, 0 warnings, 1 note" ]]
}

# ---- files ---------------------------------------------------------------------------------

@test "not-compiled, stale-map, damaged-map" {
	printf '%s\n' .three.example one.example two.example >"$DIR/domains"
	finds 65 "@DIR/virtmaps.gdbm: error: open @DIR/virtmaps.gdbm: No such file or directory [not-compiled]"
	v build
	silent
	cp "$DIR/virtmaps" "$DIR/before"
	echo 'new@one.example bob' >>"$DIR/virtmaps"
	tells 65 "virtmaps: error: was changed and not compiled; addresses as targets are not looked at [stale-map]"
	# The same size and time do not hide it.
	sed '3s/bob$/eve/' "$DIR/before" >"$DIR/virtmaps"
	touch -r "$DIR/before" "$DIR/virtmaps"
	tells 65 "[stale-map]"
	cp "$DIR/before" "$DIR/virtmaps"
	silent
	: >"$DIR/virtmaps.gdbm"
	tells 65 "[damaged-map]"
}

@test "the whole map below a layer: missing, damaged, of another mode" {
	printf 'u%s@one.example bob\n' {1..1500} >>"$DIR/virtmaps"
	v build
	v add x@one.example bob
	[ -f "$DIR/virtmaps.gdbm.base" ]
	silent
	chmod 600 "$DIR/virtmaps.gdbm.base"
	finds 0 "@DIR/virtmaps.gdbm.base: warning: mode is 0600, not 0644 [file-mode]"
	chmod 644 "$DIR/virtmaps.gdbm.base"
	mv "$DIR/virtmaps.gdbm.base" "$DIR/aside"
	tells 65 "virtmaps.gdbm is incomplete, virtmap build makes it whole: open @DIR/virtmaps.gdbm.base: No such file or directory [damaged-map]"
	: >"$DIR/virtmaps.gdbm.base"
	tells 65 "[damaged-map]"
	mv "$DIR/aside" "$DIR/virtmaps.gdbm.base"
	silent
	rm "$DIR/virtmaps.gdbm.base"
	v build
	silent
}

@test "damaged-map: a map of an older format" {
	v build
	sed -i 's/VmH./VmH1/' "$DIR/virtmaps.gdbm"
	tells 65 "virtmaps.gdbm: error: read @DIR/virtmaps.gdbm: it was compiled by another version: run virtmap build [damaged-map]"
	run v resolve -q webmaster@one.example
	[ "$status" -eq 75 ]
	[[ $output == "defer "*"run virtmap build" ]]
	v build
	silent
}

@test "damaged-map: one bit anywhere that an answer depends on" {
	v build
	python3 - "$DIR/virtmaps.gdbm" "$BUILD/virtmap" "$DIR/conf" <<-'EOT'
		import subprocess, sys
		path, virtmap, conf = sys.argv[1:]
		whole = open(path, "rb").read()
		at = whole.index(b"carol%3")
		open(path, "r+b").write(whole[:at] + b"m" + whole[at + 1:])
		done = subprocess.run([virtmap, "-C", conf, "check"], capture_output=True, text=True)
		print(done.stdout, done.stderr)
		assert done.returncode == 65 and "[damaged-map]" in done.stdout
	EOT
}

@test "domains-file: missing, of another map" {
	v build
	printf '%s\n' .three.example two.example old.example >"$DIR/domains"
	tells 65 "domains: error: has old.example, which is not in the map [domains-file]"
	[[ $output == *"domains: error: lacks 1 domain of the map [domains-file]"* ]]
	rm "$DIR/domains"
	finds 65 "@DIR/domains: error: open @DIR/domains: No such file or directory [domains-file]"
}

@test "file-mode: the compiled map's, the history's, what everybody may write" {
	v build
	chmod 600 "$DIR/virtmaps.gdbm"
	finds 0 "@DIR/virtmaps.gdbm: warning: mode is 0600, not 0644 [file-mode]"
	chmod 644 "$DIR/virtmaps.gdbm"
	v set webmaster@one.example carol
	silent
	chmod 644 "$DIR/virtmaps.log"
	finds 0 "@DIR/virtmaps.log: warning: mode is 0644, not 0600 [file-mode]"
	chmod 600 "$DIR/virtmaps.log"
	[ "$(id -u)" -ne 0 ] || return 0
	chmod 666 "$DIR/virtmaps"
	finds 0 "@DIR/virtmaps: warning: @DIR/virtmaps can be written by everybody [file-mode]"
	chmod 644 "$DIR/virtmaps"
	chmod 777 "$DIR"
	tells 0 "$DIR can be written by everybody [file-mode]"
	[ "$(grep -c 'file-mode' <<<"$output")" -eq 1 ]
	chmod 700 "$DIR"
}

@test "file-mode: the group of the compiled map" {
	group=$(id -gn)
	echo "map_group = $group" >>"$DIR/conf"
	v build
	silent
	[ "$(id -u)" -eq 0 ] || skip "needs root to give a file to another group"
	chgrp mail "$DIR/virtmaps.gdbm"
	finds 0 "@DIR/virtmaps.gdbm: warning: group is $(getent group mail | cut -d: -f3), not $group [file-mode]"
}

@test "untrusted-file: what root would not obey, and the rest is checked all the same" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	with 'a@one.example nobody'
	chmod 666 "$DIR/virtmaps"
	run v check
	echo "$output"
	[ "$status" -eq 65 ]
	[[ $output == *"$DIR/virtmaps: error: $DIR/virtmaps can be written by others, so root does not trust it [untrusted-file]"* ]]
	[[ $output == *"virtmaps:8: error: nobody: no alias and no account [dangling-target]"* ]]
	chmod 644 "$DIR/virtmaps"
	for file in virtmaps.gdbm accounts domains virtmaps.log; do
		[ -e "$DIR/$file" ] || v set webmaster@one.example carol
		chown 65534 "$DIR/$file"
		tells 65 "$DIR/$file is not owned by root, so root does not trust it [untrusted-file]"
		chown 0 "$DIR/$file"
	done
}

# ---- sendmail ------------------------------------------------------------------------------

# accepts SETTING, with $DIR/cf from standard input.
accepts() {
	cat >"$DIR/cf"
	sed -i '/^accepted_domains/d' "$DIR/conf"
	echo "accepted_domains = ${1//@DIR/$DIR}" >>"$DIR/conf"
}

@test "unaccepted-domain: by a file of names" {
	with 'a@four.example bob' 'b@four.example bob' '.five.example bob' 'c@a.b.three.example bob'
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	is=$(sed -n 's/.*virtmaps:\([0-9]*\): warning: \(.*\) \[unaccepted-domain\]/\1 \2/p' <<<"$output" | paste -sd ,)
	[ "$is" = "8 sendmail does not take mail for four.example,10 sendmail does not take mail for .five.example" ]
	accepts none </dev/null
	silent
}

@test "classes of sendmail.cf: C and F lines, continued lines, formats, folding" {
	v build
	printf 'two.example # x\n' >"$DIR/local"
	accepts cf:@DIR/cf <<-EOT
		# Cwnot.example
		V10/Berkeley
		Cwlocalhost
		Fw$DIR/local %[^\\#]
		C{VirtMap}ONE.Example.
		 .three.example
		C{VirtMapDot}.
		Mvirtmda,	P=/usr/local/sbin/virtmda
	EOT
	silent
	sed -i '/^ .three/d' "$DIR/cf"
	finds 0 "@DIR/virtmaps:7: warning: sendmail does not take mail for .three.example [unaccepted-domain]"
	# One that is there only for a start of sendmail.
	echo "F{VirtMap}-o $DIR/domains" >>"$DIR/cf"
	silent
}

@test "domains-elsewhere, no-mailer, own-host" {
	with 'x@mail.host.example bob' 'x@localhost bob'
	accepts cf:@DIR/cf <<-EOT
		Djmail.host.example
		Cwone.example two.example .three.example localhost mail.host.example
		F{VirtMap}-o $DIR/elsewhere
		Mvirtmda,	P=/usr/local/sbin/virtmda
	EOT
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"cf: warning: class {VirtMap} is read from $DIR/elsewhere, and virtmap build writes $DIR/domains [domains-elsewhere]"* ]]
	[[ $output == *"virtmaps:8: warning: mail.host.example is this host for sendmail [own-host]"* ]]
	[[ $output == *"virtmaps:9: warning: localhost is this host for sendmail [own-host]"* ]]
	sed -i '/^F/d' "$DIR/cf"
	tells 0 "cf: warning: has no class {VirtMap} [no-mailer]"
	sed -i '/^M/d' "$DIR/cf"
	tells 0 "cf: warning: has no mailer virtmda [no-mailer]"
}

@test "no-mailer stands for all domains that sendmail does not know" {
	v build
	echo 'Cwlocalhost' | accepts cf:@DIR/cf
	finds 0 "@DIR/cf: warning: has no mailer virtmda [no-mailer]"
	echo 'Mvirtmda,	P=/usr/local/sbin/virtmda' >>"$DIR/cf"
	finds 0 "@DIR/cf: warning: has no class {VirtMap} [no-mailer]"
}

@test "not-checked: what cannot be read is said, and then no domain is called unaccepted" {
	v build
	accepts cf:@DIR/nosuch </dev/null
	finds 0 "@DIR/nosuch: note: open @DIR/nosuch: No such file or directory [not-checked]"
	local line
	for line in 'F{VirtMap}|/bin/domains' 'F{VirtMap}k@ldap:x' 'Cw$=m' "Fw$DIR/nosuch"; do
		printf '%s\n' 'C{VirtMap}x.example' 'Mvirtmda, P=/x' "$line" | accepts cf:@DIR/cf
		run v check
		echo "$line: $output"
		[ "$status" -eq 0 ]
		[ "$(grep -c '\]$' <<<"$output")" -eq 1 ]
		[[ $output == *"cf: note: class "*"[not-checked]"* ]]
	done
}
