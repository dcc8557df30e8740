#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mailpeek's view of messages: which fields a row has and in what form, search terms, folders, what
# a terminal gets and what a script.

bats_require_minimum_version 1.5.0
load peek

# three: ann's mbox with three messages, bob's Maildir with the same.
three() {
	scratch mkdir -p bob/Maildir/new bob/Maildir/cur
	put ann/mbox <<-'EOT'
		From zoe@two.example Fri Jan  2 11:50:00 2026
		Delivered-To: ann@one.example
		From: =?utf-8?q?Zo=C3=AB?= <zoe@two.example>
		To: ann@one.example
		Date: Fri, 2 Jan 2026 12:49:00 +0100
		Subject: Lunch?
		Message-ID: <1@two.example>
		X-Spam: no
		Status: RO
		X-Status: A

		At noon?

		From sales@three.example Fri Jan  2 11:58:00 2026
		From: "Sales, dept." <sales@three.example>
		Subject: Your order 4711
		Content-Type: text/html; charset=iso-8859-1
		Content-Transfer-Encoding: quoted-printable

		<p>5 =A3</p>

		From zoe@two.example Fri Jan  2 12:03:00 2026
		From: Zoe <zoe@two.example>
		Subject: Re: Lunch? =?iso-8859-1?q?=FC?=
		X-Status: F

		Too late.

	EOT
	printf 'Subject: one\n\nx\n' | put bob/Maildir/cur/1767354600.1.host,S=16,W=20:2,RS
	printf 'Subject: two\r\n\r\nx\r\n' | put bob/Maildir/new/1767355080.2.host
	printf 'Subject: three\n\nx\n' | put bob/Maildir/cur/1767355380.3.host:2,FS
}

# ---- rows ------------------------------------------------------------------------------------

@test "a row has the fields that are asked for, in that order" {
	three
	run -0 peek list -F 'number,subject message-id' ann
	is "   NR  SUBJECT                                   MESSAGE-ID
    1  Lunch?                                    <1@two.example>
    2  Your order 4711
    3  Re: Lunch? ü" "$output"
	run -0 peek list --format=flags,header:x-spam,sent,offset ann
	is "FLAGS  X-SPAM                                    SENT                      OFFSET
A      no                                        2026-01-02T11:49:00+0000      0
N                                                -                           267
NF                                               -                           488" \
		"$output"
	run -0 peek list -F size,wire-size,date,file bob
	is "      SIZE   WIRE SIZE  DELIVERED                 FILE
        16          20  2026-01-02T11:50:00+0000  cur/1767354600.1.host,S=16,W=20:2,RS
        19          19  2026-01-02T11:58:00+0000  new/1767355080.2.host
        18          21  2026-01-02T12:03:00+0000  cur/1767355380.3.host:2,FS" "$output"
	# Every name that the message names is one.
	local names
	names=$(peek list -F nonsense ann 2>&1 || true)
	names=${names#*there are }
	names=${names/header:NAME/header:x}
	run -0 peek list -F "$names" ann
	is 4 "${#lines[@]}"
}

@test "for scripts: NUL at the end of rows, TAB between fields, nothing cut, no heading" {
	three
	printf 'From: \tx\n\nFrom a@b Fri Jan  2 12:04:00 2026\nSubject: a\tb\\c\n\nx\n\n' | scratch sh -c 'cat >>ann/mbox'
	peek list -0 -F number,from,subject,size ann | tr '\0\t' '\n|' >"$SCRATCH/rows"
	is '1|Zoë <zoe@two.example>|Lunch?|220
2|"Sales, dept." <sales@three.example>|Your order 4711|170
3|Zoe <zoe@two.example>|Re: Lunch? ü|102
4||a\tb\\c|18' "$(cat "$SCRATCH/rows")"
}

@test "as JSON: an object a line, in ASCII, numbers as numbers" {
	three
	run -0 peek list -j ann
	is 3 "${#lines[@]}"
	is '{"number":1,"flags":["seen","answered"],"date":"2026-01-02T11:50:00+0000","size":220,"from":"Zo\u00EB <zoe@two.example>","subject":"Lunch?"}' "${lines[0]}"
	is '{"offset":null,"sent":null,"x-none":null,"file":"new/1767355080.2.host"}' "$(peek list -j -F offset,sent,header:x-none,file bob 2)"
	run -0 peek search -j0 ann subject lunch
	python hostile carol/mbox dave/Maildir
	for account in carol dave; do
		peek list -j "$account" | python3 -c '
import json, sys
for line in sys.stdin.buffer:
    assert all(0x20 <= byte < 0x7f or byte == 10 for byte in line), line
    json.loads(line)'
	done
}

# ---- search terms ----------------------------------------------------------------------------

# found TERM...: the numbers of the messages that fit.
found() { peek search -0 -F number ann "$@" | tr '\0' ' '; }

@test "search terms find what they say" {
	three
	is "1 3 " "$(found subject lunch)"
	is "1 " "$(found from zoë)"
	is "1 3 " "$(found from zoe@two)"
	is "3 " "$(found subject "lunch? Ü")"
	is "2 3 " "$(found unread)"
	is "3 " "$(found unread flagged)"
	is "1 2 " "$(found not flagged)"
	is "1 3 " "$(found 'body noon or body "too late"')"
	is "2 " "$(found body "5 £")"
	is "2 3 " "$(found since 2026-01-02T11:58)"
	is "1 " "$(found header x-spam no)"
	is "1 2 " "$(found '(' larger 100 not flagged ')')"
	is "1 2 3 " "$(found text example)"
	# list takes them too, and shows the same.
	is "$(peek search ann subject lunch)" "$(peek list ann subject lunch)"
	is "$(peek list ann)" "$(peek search ann all)"
}

@test "to find nothing is an answer, to ask nonsense a mistake" {
	three
	run -1 peek search ann from nobody
	is "" "$output"
	run -0 peek list ann from nobody
	run -1 peek search carol all
	run -64 peek search ann frm zoe
	is 'mailpeek: "frm" is no search term (to look for it anywhere: text WORD)' "$output"
	run -64 peek search ann '(unread'
	run -67 peek search nobody all
}

@test "a body is searched as a stream" {
	! grep -q __asan_init "$BUILD/mailpeek" || skip "AddressSanitizer's own memory would be measured"
	scratch sh -c '{
		printf "From a@b Fri Jan  2 12:04:00 2026\nSubject: x\nContent-Transfer-Encoding: base64\n\n"
		head -c 50000000 /dev/zero | tr "\0" a | base64
		printf "\nFrom a@b Fri Jan  2 12:04:00 2026\nSubject: y\n\n"
		head -c 50000000 /dev/zero | tr "\0" b
		printf "needle\n"
	} >ann/mbox'
	python peak 32 mailpeek -C virtmda.conf search ann body aaaaa
	python peak 32 mailpeek -C virtmda.conf search ann body bneedle
	run -1 peek search ann body nowhere
}

# ---- show --------------------------------------------------------------------------------------

# parcel: a message with everything, as ann's only one.
parcel() {
	put ann/mbox <<-'EOT'
		From zoe@two.example Fri Jan  2 11:50:00 2026
		Received: from a.example
		 by b.example; Fri, 2 Jan 2026 11:49:59 +0000
		From: =?utf-8?q?Zo=C3=AB?= <zoe@two.example>
		To: ann@one.example
		Date: Fri, 2 Jan 2026 12:49:00 +0100
		Subject: =?iso-8859-1?q?F=FCr?= dich
		MIME-Version: 1.0
		Content-Type: multipart/mixed; boundary="=_a"

		not shown
		--=_a
		Content-Type: multipart/alternative; boundary="=_b"

		--=_b
		Content-Type: text/html; charset=utf-8

		<b>bold</b>
		--=_b
		Content-Type: text/plain; charset=iso-8859-15
		Content-Transfer-Encoding: quoted-printable

		F=FCnf =A4 in C:\dir,=20
		=09tabbed. =1B[31mred
		>From here
		--=_b--
		--=_a
		Content-Type: application/pdf
		Content-Transfer-Encoding: base64
		Content-Disposition: attachment;
		 filename*0*=utf-8''M%C3%A4; filename*1="rz.pdf"

		JVBERi0xLjQK
		--=_a
		Content-Type: message/rfc822

		Subject: =?utf-8?q?innen_=C3=BC?=

		inner text
		--=_a--

	EOT
}

@test "a message is shown for people" {
	parcel
	run -0 peek show ann 1
	is 'Date: Fri, 2 Jan 2026 12:49:00 +0100
From: Zoë <zoe@two.example>
To: ann@one.example
Subject: Für dich

Fünf € in C:\dir, 
        tabbed. \^[[31mred
From here

Attachments and other parts:
1.1     text/html                           11
2       application/pdf                      9  März.pdf
3       message/rfc822                      45  innen ü
3.1     text/plain                          10' "$output"
	run -0 peek show -a ann 1
	is 'Received: from a.example by b.example; Fri, 2 Jan 2026 11:49:59 +0000' "${lines[0]}"
	run -66 peek show ann 2
	is 'mailpeek: no message 2 in the mailbox of ann' "$output"
	run -64 peek show ann x
	run -64 peek show ann
	# In a terminal that has no such characters.
	scratch env LC_ALL=C mailpeek -C virtmda.conf show ann 1 | grep -q '^F?nf ? in'
}

@test "a message is shown for programs" {
	parcel
	peek show -j ann 1 >"$SCRATCH/json"
	python3 - "$SCRATCH/json" <<-'EOT'
		import json, sys
		m = json.load(open(sys.argv[1], encoding="ascii"))
		assert m["number"] == 1 and m["flags"] == ["recent"] and m["complete"], m
		assert m["headers"][1] == {"name": "From", "value": "Zoë <zoe@two.example>"}, m["headers"]
		parts = {part["section"]: part for part in m["parts"]}
		assert list(parts) == ["", "1", "1.1", "1.2", "2", "3", "3.1"], list(parts)
		assert parts["1.2"]["text"] == "F\u00fcnf \u20ac in C:\\dir, \n\ttabbed. \x1b[31mred\nFrom here", parts["1.2"]
		assert parts["2"] == {"section": "2", "type": "application/pdf", "name": "März.pdf", "size": 9, "attachment": True}
		assert "text" not in parts["1.1"]
	EOT
}

@test "HTML is shown as text only where there is nothing else" {
	printf 'Subject: x\nContent-Type: text/html\n\n<style>p {}</style><p>One &amp; two<script>alert("x")</script>' | put bob/1
	scratch sh -c 'mkdir -p bob/Maildir/new; mv bob/1 bob/Maildir/new/1.1.host'
	run -0 peek show bob 1
	is 'Subject: x

[HTML only; this is its text]
One & two' "$output"
	scratch sh -c '{ printf "Content-Type: text/html\n\n"; head -c 300000 /dev/zero | tr "\0" x; } >bob/Maildir/new/2.1.host'
	run -0 peek show bob 2
	is '[no text that can be shown]' "${lines[0]}"
	is '1       text/html                       300000' "${lines[2]}"
}

# complete: what show -j says of each message of ann's mailbox.
complete() {
	local n
	for n in "$@"; do
		peek show -j ann "$n" | python3 -c 'import json, sys; print(json.load(sys.stdin)["complete"], end=" ")'
	done
}

@test "headers of which not all is shown are told" {
	python3 - >"$SCRATCH/letters" <<-'EOT'
		def letter(*lines):
		    print("From a@b Thu Jan  1 00:00:00 1970", *lines, "", "body", "", sep="\n")
		letter("Subject: " + "x" * 16383)
		letter("Subject: " + "x" * 16384 + "y")
		letter(*["To: " + "x" * 8191, " " + "y" * 8193])
		letter(*["A: b"] * 1000)
		letter(*["A: b"] * 1001)
		letter(*["A: " + "x" * 600] * 500)
	EOT
	put ann/mbox <"$SCRATCH/letters"
	is "True False False True False False " "$(complete 1 2 3 4 5 6)"
	run -0 peek show ann 1
	[[ $output != *"[cut"* ]]
	run -0 peek show ann 2
	[[ ${lines[0]} == Subject:*x && ${lines[1]} == "[cut here: this header is longer than 16 KiB]" ]]
	run -0 peek show -a ann 3
	[[ ${lines[1]} == "[cut here: this header is longer than 16 KiB]" ]]
	run -0 peek show ann 6
	[[ ${lines[0]} == "[of the headers the first 256 KiB were looked at]" ]]
}

@test "no message is shown raw, takes long or much memory" {
	python hostile carol/mbox dave/Maildir
	python monsters ann/mbox
	local n
	for n in $(seq 21); do
		peek show -a carol "$n" | harmless
	done
	for n in 1 2 3 4 5 6 7; do
		peek show -a ann "$n" >"$SCRATCH/out"
		harmless <"$SCRATCH/out"
		peek show -j ann "$n" | python3 -c 'import json, sys; json.load(sys.stdin)'
	done
	run -0 peek show -a ann 1
	[[ $output == *"[more headers are not shown]"* ]]
	run -0 peek show ann 5
	[[ $output == *"[cut here: the text is longer than 1 MiB]"* ]]
	run -0 peek show ann 4
	[[ ${lines[-1]} == "[the rest was not looked at: too many parts, or more than 256 MiB]" ]]
	! grep -q __asan_init "$BUILD/mailpeek" || skip "AddressSanitizer's own memory would be measured"
	for n in 1 2 3 4 5 6 7; do
		python peak 32 mailpeek -C virtmda.conf show -a ann "$n"
		python peak 32 mailpeek -C virtmda.conf show -j ann "$n"
	done
	python peak 32 mailpeek -C virtmda.conf search ann text nothing-like-this || true
}

# ---- beside Dovecot ----------------------------------------------------------------------------

@test "envelopes, sizes, dates, flags and what is found are Dovecot's" {
	[ -x /usr/lib/dovecot/imap ] || skip "Dovecot's IMAP server is not installed"
	local seed
	for seed in 1 2 3; do
		python letters ann/mbox bob/Maildir "$seed" 700
		python dovecot mailpeek -C virtmda.conf -- ann "mbox:$SCRATCH/ann/mbox"
		python dovecot mailpeek -C virtmda.conf -- bob "maildir:$SCRATCH/bob/Maildir"
		scratch rm -rf ann/mbox bob/Maildir
	done
}

# ---- folders ---------------------------------------------------------------------------------

@test "a folder is another mailbox of the account" {
	three
	scratch mkdir -p bob/Maildir/.Lists.Gnu/new bob/Maildir/.Lists.Gnu/cur 'bob/Maildir/.Entw&APw-rfe &- x/new'
	printf 'Subject: in the folder\n\nbody\n' | put bob/Maildir/.Lists.Gnu/new/1.2.host
	printf 'Subject: deeper\n\nbody\n' | put 'bob/Maildir/.Entw&APw-rfe &- x/new/1.2.host'
	for name in Lists.Gnu Lists/Gnu; do
		run -0 peek list -f "$name" bob
		[[ ${lines[1]} == *"in the folder" ]]
		is 2 "${#lines[@]}"
		run -0 peek raw -f "$name" bob 1
		is 'Subject: in the folder' "${lines[0]}"
	done
	run -0 peek list -f 'Entwürfe & x' bob
	[[ ${lines[1]} == *deeper ]]
	run -0 peek list -f INBOX bob
	is "$(peek list bob)" "$output"
	run -0 peek list -f inbox ann
	# It leads nowhere else.
	scratch ln -s .Lists.Gnu bob/Maildir/.Link
	run -65 peek list -f Link bob
	[[ $output == *"symbolic link" ]]
	for name in .. . / ../x .x x. a//b '' $'\xff'; do
		run -64 peek list -f "$name" bob
	done
}

# ---- a terminal ------------------------------------------------------------------------------


@test "colours are for terminals, and for who wants them" {
	three
	cp "$BATS_TEST_DIRNAME/terminal.py" "$SCRATCH/bin/" && chmod 755 "$SCRATCH/bin/terminal.py"
	terminal() { scratch env "$@" terminal.py mailpeek -C virtmda.conf list ann | tr -d '\r'; }
	terminal TERM=xterm >"$SCRATCH/out"
	# The heading, the unread ones, the flagged one.
	is 3 "$(grep -c $'\e' "$SCRATCH/out" || true)"
	grep -q $'^\e\\[33m\e\\[1m    3  NF ' "$SCRATCH/out"
	sed 's/\x1b\[[0-9]*m//g' "$SCRATCH/out" >"$SCRATCH/plain"
	for variables in NO_COLOR=1 TERM=dumb; do
		terminal TERM=xterm "$variables" >"$SCRATCH/out"
		diff "$SCRATCH/plain" "$SCRATCH/out"
	done
	terminal TERM=xterm NO_COLOR= | grep -q $'\e'
	run -0 peek list ann
	[[ $output != *$'\e'* ]]
	is '    2  N      2026-01-02 11:58    170  "Sales, dept." <sal…  Your order 4711' "$(sed -n 3p "$SCRATCH/plain")"
}

@test "a long list is paged, with the caller's pager" {
	three
	cp "$BATS_TEST_DIRNAME/terminal.py" "$SCRATCH/bin/" && chmod 755 "$SCRATCH/bin/terminal.py"
	scratch env PAGER='sed s/^/paged:/' terminal.py mailpeek -C virtmda.conf list ann | tr -d '\r' >"$SCRATCH/out"
	is 4 "$(grep -c '^paged:' "$SCRATCH/out")"
	scratch env PAGER='sed s/^/paged:/' terminal.py mailpeek -C virtmda.conf list --no-pager ann | tr -d '\r' >"$SCRATCH/out"
	run -1 grep -q paged: "$SCRATCH/out"
	is 4 "$(wc -l <"$SCRATCH/out")"
	# Left early, the pager ends the list, and that is no error.
	awk 'BEGIN { for (n = 0; n < 50000; n++) print "From a@b Thu Jan  1 00:00:00 1970\nSubject: x\n\nbody\n" }' |
		put ann/mbox
	run -0 scratch env PAGER='head -n 2' terminal.py mailpeek -C virtmda.conf list ann
	is 2 "${#lines[@]}"
}
