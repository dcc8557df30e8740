#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# virtmap import and export: what each format carries over, what it refuses and with which words,
# merging and replacing, and that a failure changes nothing. Works for any user in a directory of
# its own.

load map

setup() {
	begin 'aliases = @DIR/aliases' 'mailbox = maildir:~/Maildir'
	cat >"$DIR/accounts" <<-'EOT'
		bob:x:1001:1001::/home/bob::
		carol:x:1002:1002::/home/carol::
	EOT
	: >"$DIR/aliases"
	cat >"$DIR/virtmaps" <<-'EOT'
		# Ours.
		info@one.example    bob

		@one.example        carol
	EOT
	v build >"$DIR/null"
}

# brings FORMAT FILE STATUS SUMMARY: an import into no map at all; the map is then in $map, one
# mapping a line with one tab, sorted; what was refused in $stderr.
brings() {
	rm -f "$DIR"/virtmaps "$DIR"/virtmaps.gdbm
	run --separate-stderr v import "$1" "$2"
	echo "$status: $output: $stderr"
	[ "$status" -eq "$3" ]
	[ "$output" = "import: $4" ]
	map=$(sed -E 's/\t+/\t/' "$DIR/virtmaps" | LC_ALL=C sort)
	echo "$map"
}

# refused LINE WORDS: so many lines of the input were refused, this one with these words.
refused() { grep -F "$DIR/in:$1: " <<<"$stderr" | grep -qF -- "$2"; }

# ---- merging and replacing -----------------------------------------------------------------

@test "merge of a few lines into a large map: the lines that a small one gets" {
	printf '%s\n' 'info@one.example carol' 'x@one.example bob' '@one.example carol' 'y@new.example bob' >"$DIR/in"
	run --separate-stderr v import virtmaps "$DIR/in"
	local said=$output conflicts=$stderr small
	small=$(cat "$DIR/virtmaps")
	printf 'u%s@many.example\tbob\n' {1..1500} >"$DIR/many"
	{ printf '%s\n' '# Ours.' 'info@one.example    bob' '' '@one.example        carol'; cat "$DIR/many"; } >"$DIR/virtmaps"
	v build >"$DIR/null"
	run --separate-stderr v import virtmaps "$DIR/in"
	[ "$status" -eq 1 ]
	[ "$output" = "$said" ]
	[ "$stderr" = "$conflicts" ]
	[ -f "$DIR/virtmaps.gdbm.base" ]
	is=$(grep -v -x -F -f "$DIR/many" "$DIR/virtmaps" | tr -s ' \t' ' ')
	echo "$is"
	[ "$is" = "$(tr -s ' \t' ' ' <<<"$small")" ]
	v diff
	v undo >"$DIR/null"
	[ "$(tail -n +5 "$DIR/virtmaps" | cksum)" = "$(cksum <"$DIR/many")" ]
}

@test "merge adds, keeps what is there, shows conflicts and says so" {
	printf '%s\n' 'new@one.example bob' 'INFO@one.example. bob' 'one.example bob' >"$DIR/in"
	run --separate-stderr v import virtmaps "$DIR/in"
	[ "$status" -eq 1 ]
	[ "$output" = "import: 1 added, 0 replaced, 0 removed, 1 unchanged, 1 conflict, 0 not carried over" ]
	[ "$stderr" = "$DIR/in:3: conflict: one.example -> bob, but the map has carol" ]
	[ "$(v get new@one.example)" = bob ]
	[ "$(v get @one.example)" = carol ]
	[ "$(v resolve -q new@one.example)" = "account bob" ]
	[ "$(head -n 3 "$DIR/virtmaps")" = "$(printf '# Ours.\ninfo@one.example    bob\n')" ]
	# Again, by its long name: nothing is left to do, and nothing is written.
	fails 1 "import: 0 added, 0 replaced, 0 removed, 2 unchanged, 1 conflict" import --merge virtmaps "$DIR/in"
}

@test "replace leaves exactly the import, and the comments" {
	printf '%s\n' 'info@one.example carol' 'x@two.example bob' >"$DIR/in"
	run v import --replace virtmaps "$DIR/in"
	[ "$status" -eq 0 ]
	[ "$output" = "import: 1 added, 1 replaced, 1 removed, 0 unchanged, 0 conflicts, 0 not carried over" ]
	[ "$(cat "$DIR/virtmaps")" = "$(printf '# Ours.\ninfo@one.example    carol\n\nx@two.example       bob')" ]
	[ "$(sort "$DIR/domains")" = "$(printf 'one.example\ntwo.example')" ]
	run v import -r virtmaps "$DIR/in"
	[ "$output" = "import: 0 added, 0 replaced, 0 removed, 2 unchanged, 0 conflicts, 0 not carried over" ]
}

@test "replace by nothing is refused" {
	: >"$DIR/in"
	fails 65 "holds no mapping" import --replace virtmaps "$DIR/in"
	echo 'a@one.example |prog' >"$DIR/in"
	fails 65 "holds no mapping" import -r virtmaps "$DIR/in"
}

@test "-n says what would change and changes nothing" {
	printf '%s\n' 'info@one.example carol' 'x@two.example bob' >"$DIR/in"
	fails 0 "would be removed @one.example (was carol)
would be set info@one.example -> carol (was bob)
would be added x@two.example -> bob
import: 1 added, 1 replaced, 1 removed, 0 unchanged, 0 conflicts, 0 not carried over (nothing was changed)" \
		import -rn virtmaps "$DIR/in"
	fails 0 "would be added x@two.example" import --replace --dry-run virtmaps "$DIR/in"
	rm "$DIR"/virtmaps*
	fails 0 "2 added" import -n virtmaps "$DIR/in"
	[ ! -e "$DIR/virtmaps" ]
}

@test "a failure changes nothing" {
	printf '%s\n' 'a@two.example b@two.example' 'b@two.example a@two.example' >"$DIR/in"
	fails 65 "circle" import virtmaps "$DIR/in"
	fails 65 "circle" import -n virtmaps "$DIR/in"
	printf 'a@two.example bob\n' >"$DIR/in"
	fails 66 "$DIR/no/where" -o "domains=$DIR/no/where" import virtmaps "$DIR/in"
	fails 66 "open $DIR/none" import virtmaps "$DIR/none"
	fails 73 "read $DIR: Is a directory" import csv "$DIR"
	fails 64 "no such format: virtmaps, virtusertable, postfix-virtual, vpopmail, csv, json" import oracle "$DIR/in"
	fails 64 "no such format" export oracle
	fails 64 "either" import -m -r virtmaps "$DIR/in"
	fails 64 "unknown option: --nonsense" import --nonsense virtmaps "$DIR/in"
	fails 64 "unknown option: --replace" export --replace csv
	fails 64 "too few" import virtmaps
	echo 'broken' >>"$DIR/virtmaps"
	fails 65 "wrong lines" import virtmaps "$DIR/in"
	fails 65 "wrong lines, nothing exported" export csv
}

@test "a file size limit: told, and nothing is left behind" {
	seq -f 'u%g@two.example bob' 5000 >"$DIR/in"
	ulimit -f 20
	fails 74 "File too large" import virtmaps "$DIR/in"
}

@test "standard input, and a map that is not there yet" {
	rm "$DIR"/virtmaps*
	run v import virtmaps - <<<'a@two.example bob'
	[ "$status" -eq 0 ]
	[ "$(v resolve -q a@two.example)" = "account bob" ]
	run v import virtmaps - <<<'a@two.example /file'
	[ "$status" -eq 1 ]
	[[ $output == "-:1: "* ]]
}

# ---- virtmaps and virtusertable ------------------------------------------------------------

@test "virtmaps: every bad line is told and left out" {
	{
		printf '# comment\n\nok@one.example bob\n'    # 3
		printf 'nul@one.\0example bob\n'              # 4
		printf 'crlf@one.example bob\r\n'             # 5
		printf ' blank@one.example bob\n'             # 6
		printf 'none@one.example\n'                   # 7
		printf 'prog@one.example |prog\n'             # 8
		printf 'file@one.example /file\n'             # 9
		printf 'inc@one.example :include:/x\n'        # 10
		printf 'OK@one.example bob\n'                 # 11: the same again
		printf 'ok@one.example carol\n'               # 12
		printf 'open"@one.example bob\n'              # 13
		printf 'long@one.example '                    # 14
		head -c 1100000 /dev/zero | tr '\0' x
		printf '\n"a b"@one.example bob, carol'       # 15: no newline
	} >"$DIR/in"
	brings virtmaps "$DIR/in" 1 "2 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 10 not carried over"
	refused 4 "NUL"
	refused 5 "CR LF"
	refused 6 "begins with a blank"
	refused 7 "no target"
	refused 8 "|program"
	refused 9 "/file"
	refused 10 ":include:"
	refused 12 "ok@one.example is already mapped in $DIR/in:3"
	refused 13 "no target"
	refused 14 "too long"
	[ "$map" = "$(printf '"a b"@one.example\tbob, carol\nok@one.example\tbob')" ]
}

@test "virtusertable: what sendmail never looks up stays behind" {
	cat >"$DIR/in" <<-'EOT'
		info@one.example	bob
		bob+*@one.example	carol
		@one.example	%1@two.example
		@three.example	error:nouser 550 No such user
		one.example	bob
		bob	carol
		@	bob
	EOT
	brings virtusertable "$DIR/in" 1 "4 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 3 not carried over"
	refused 5 "without '@'"
	refused 6 "without '@'"
	refused 7 "without a domain"
	[ "$(v get @one.example)" = "%1@two.example" ]
	printf '%s\n' '.d.example bob' '@ bob' 'l@one.example bob, carol' 'd@one.example discard:' >>"$DIR/virtmaps"
	run --separate-stderr v export virtusertable
	[ "$status" -eq 1 ]
	[ "$output" = "$(printf '%s\t%s\n' @one.example %1@two.example bob+\*@one.example carol info@one.example bob \
		@three.example 'error:nouser 550 No such user')" ]
	[ "$(sed -n "s|^$DIR/virtmaps:\([0-9]*\):.*|\1|p" <<<"$stderr" | sort -n | tr '\n' ' ')" = "5 6 7 8 " ]
	[[ $stderr == *"export: 4 of 8 mappings not carried over" ]]
}

# ---- Postfix -------------------------------------------------------------------------------

@test "postfix-virtual: lists, continuation lines, quotes, domain aliases, declarations" {
	cat >"$DIR/in" <<-'EOT'
		# comment
		one.example		anything
		  # a comment does not end an entry
		Info@One.Example	bob,
		    carol@far.test,

		# nor does this
		     dave
		@one.example		@two.example
		"a b"@one.example	"x y"@far.test
		bob+box@one.example	bob
		pct@one.example		50%1@far.test
		pct2@one.example	50%%x@far.test
		user@one.example	@two.example, bob
		two.example		virtual
		@two.example		bob
	EOT
	brings postfix-virtual "$DIR/in" 0 "8 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 0 not carried over"
	[ "$map" = "$(printf '%s\t%s\n' '"a b"@one.example' '"x y"@far.test' @one.example '%1%3@two.example' \
		@two.example bob 'Info@One.Example' 'bob, carol@far.test, dave' bob+box@one.example bob \
		pct2@one.example '50%%%x@far.test' pct@one.example '50%%1@far.test' user@one.example '%1%3@two.example, bob')" ]
	[ "$(v resolve -q any+x@one.example)" = "account bob" ]
	run -0 --separate-stderr v export postfix-virtual
	[ "$output" = "$(printf '%s\t%s\n' one.example virtual @one.example @two.example '"a b"@one.example' '"x y"@far.test' \
		bob+box@one.example bob info@one.example 'bob, carol@far.test, dave' pct2@one.example '50%%x@far.test' \
		pct@one.example '50%1@far.test' user@one.example '@two.example, bob' two.example virtual @two.example bob)" ]
}

@test "postfix-virtual: what cannot be carried over, line by line" {
	cat >"$DIR/in" <<-'EOT'
		  continues@one.example nothing
		root	bob
		user@	bob
		bob++@one.example	bob
		+*@one.example	bob
		/^x@/	bob
		a@one.example	|prog
		b@one.example	/file
		c@one.example	:include:/list
		d@one.example	bob, @two.example
		e@one.example	e@one.example
		f@one.example	user%host
		g@one.example	host!user
		h@one.example	error:nouser gone
		i@one.example
		j@one.example	bob carol
		empty.example	anything
		k@one.example: bob
		l@one.example	bob
	EOT
	printf 'm@one.example bob,\r\n carol\nn@one.example bob\n o\0\n , p\n' >>"$DIR/in"
	brings postfix-virtual "$DIR/in" 1 "1 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 20 not carried over"
	[ "$map" = "$(printf 'l@one.example\tbob')" ]
	refused 1 "continues nothing"
	refused 2 "a local name, or a domain without addresses"
	refused 3 "no domain"
	refused 4 "pattern here"
	refused 5 "pattern here"
	refused 6 "regexp"
	refused 7 "|program"
	refused 8 "/file"
	refused 9 ":include:"
	refused 10 "behind the first"
	refused 11 "maps to itself"
	refused 12 "rewrites"
	refused 13 "rewrites"
	refused 14 "colon"
	refused 15 "no target"
	refused 16 "does not belong"
	refused 17 "add @domain error:nouser"
	refused 18 "alias file"
	refused 20 "CR LF"
	refused 22 "NUL"
}

@test "postfix-virtual: what an export cannot express" {
	cat >"$DIR/virtmaps" <<-'EOT'
		ok@one.example bob
		bob++@one.example bob
		+*@one.example bob
		e@one.example error:nouser gone
		d@one.example discard:
		@two.example %1@far.test
		x@two.example b+%2@far.test
		.sub.example bob
		@ bob
		"#c"@one.example bob
	EOT
	run --separate-stderr v export postfix-virtual
	[ "$status" -eq 1 ]
	[ "$output" = "$(printf '%s\t%s\n' one.example virtual ok@one.example bob)" ]
	[ "$(sed -n 's/^[^:]*:\([0-9]*\):.*/\1/p' <<<"$stderr" | sort -n | tr '\n' ' ')" = "2 3 4 5 6 7 8 9 10 " ]
	[[ $stderr == *"export: 9 of 10 mappings not carried over" ]]
}

# ---- vpopmail ------------------------------------------------------------------------------

@test "vpopmail: virtualdomains and a valias dump in a directory" {
	mkdir "$DIR/in"
	cat >"$DIR/in/virtualdomains" <<-'EOT'
		# comment
		one.example:one.example
		empty.example:empty.example
		alias.example:one.example
		private.example:bob
		.any.example:bob
		x@far.example:carol
		list.example:alias-lists
		except.example:
		:bob
	EOT
	cat >"$DIR/in/valias" <<-'EOT'
		sales@one.example -> &carol@far.test
		sales@one.example -> &bob
		sales@one.example -> |/usr/bin/vacation
		box@one.example -> /home/vpopmail/domains/one.example/bob/Maildir/
		a b@one.example -> &c d@far.test
		hush@one.example -> # dropped
		bob-default@one.example -> &bob
		plain@one.example -> dave@far.test
		nonsense
	EOT
	brings vpopmail "$DIR/in" 1 "9 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 7 not carried over"
	[ "$map" = "$(printf '%s\t%s\n' '"a b"@one.example' '"c d"@far.test' .any.example 'bob+%1%3' @ 'bob+%1%3' \
		@alias.example '%1%3@one.example' @empty.example 'error:nouser User unknown' @private.example 'bob+%1%3' \
		plain@one.example dave@far.test sales@one.example 'carol@far.test, bob' x@far.example 'carol+%1%3')" ]
	grep -qF "$DIR/in/virtualdomains:8: qmail takes a name apart" <<<"$stderr"
	grep -qF "$DIR/in/virtualdomains:9: an exception" <<<"$stderr"
	grep -qF "$DIR/in/valias:3: a |program" <<<"$stderr"
	grep -qF "$DIR/in/valias:4: a mailbox" <<<"$stderr"
	grep -qF "$DIR/in/valias:6: a comment" <<<"$stderr"
	grep -qF "$DIR/in/valias:7: an alias in -default" <<<"$stderr"
	grep -qF "$DIR/in/valias:9: neither" <<<"$stderr"
	# Both in one text, and what comes out goes in again.
	cat "$DIR/in/virtualdomains" "$DIR/in/valias" >"$DIR/one"
	run v import vpopmail - <"$DIR/one"
	[[ $output == *"import: 0 added, 0 replaced, 0 removed, 9 unchanged, 0 conflicts, 7 not carried over" ]]
	run --separate-stderr v export vpopmail
	[ "$status" -eq 1 ]
	[ "$output" = "$(printf '%s\n' :bob alias.example:one.example .any.example:bob empty.example:empty.example \
		x@far.example:carol 'plain@one.example -> &dave@far.test' 'sales@one.example -> &carol@far.test' \
		'sales@one.example -> &bob' private.example:bob)" ]
}

@test "vpopmail: a domain that is spelled like its user is no declaration" {
	echo '@bob bob+%1%3' >"$DIR/virtmaps"
	run --separate-stderr v export vpopmail
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	[[ $stderr == *":1: @bob: "* ]]
}

@test "vpopmail: a directory with neither file" {
	mkdir "$DIR/in"
	fails 66 "neither virtualdomains nor valias" import vpopmail "$DIR/in"
}

# ---- CSV and JSON --------------------------------------------------------------------------

@test "csv: quotes, line ends, header, comments, and bad records" {
	{
		printf '\xef\xbb\xbfKey,Target,Comment\r\n'      # 1
		printf 'a@one.example,bob\r\n'                   # 2
		printf '"b@one.example","bob, carol",why\n'      # 3
		printf 'c@one.example,"error:5.7.1:say ""no"""\n\n' # 4, 5
		printf 'd@one.example\n'                         # 6
		printf 'e@one.example,bob,carol,dave\n'          # 7
		printf '"f@one.example\nx",bob\n'                # 8, 9
		printf 'g@one.example,b"ob\n'                    # 10
		printf '"h@one.example"x,bob\n'                  # 11
		printf 'x y@one.example,bob'                     # 12
	} >"$DIR/in"
	brings csv "$DIR/in" 1 "4 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 5 not carried over"
	refused 6 "no two fields"
	refused 7 "must stand in quotes"
	refused 8 "control character"
	refused 10 "inside a field"
	refused 11 "behind a closed quote"
	[ "$map" = "$(printf '%s\t%s\n' '"x y"@one.example' bob a@one.example bob b@one.example 'bob, carol' \
		c@one.example 'error:5.7.1:say "no"')" ]
	run v export csv
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\r\n' key,target a@one.example,bob 'b@one.example,"bob, carol"' \
		'c@one.example,"error:5.7.1:say ""no"""' '"""x y""@one.example",bob')" ]
	printf 'a@one.example,"bob\n' >"$DIR/in"
	fails 65 "$DIR/in:1: a quote is not closed" import csv "$DIR/in"
}

@test "json: objects on any lines, and what is none" {
	cat >"$DIR/in" <<-'EOT'
		[ {"key": "a@one.example", "target": "bob"}, {"target": "carol",
		   "key": "b@one.example", "note": [1, 2]},
		  17,
		  {"key": "c@one.example"},
		  {"key": 3, "target": "bob"},
		  {"key": "d@one.example\u0000", "target": "bob"},
		  {"key": "j\u00f6rg@one.example", "target": "bob"} ]
	EOT
	brings json "$DIR/in" 1 "3 added, 0 replaced, 0 removed, 0 unchanged, 0 conflicts, 4 not carried over"
	refused 3 "no object"
	refused 4 'no string "target"'
	refused 5 'no string "key"'
	refused 6 "control character"
	run v export json
	[ "$status" -eq 0 ]
	[ "$output" = '[
{"key": "a@one.example", "target": "bob"},
{"key": "b@one.example", "target": "carol"},
{"key": "jörg@one.example", "target": "bob"}
]' ]
	local text
	for text in '' '{}' '[' '[{"key": "x@one.example", "target": "bob"}' '[{"key": "x@one.example", "target": "bob"} 1]' \
		'[] x' '[{"key": "x@one.example", "key": "y@one.example", "target": "bob"}]' '[tru]'; do
		printf '%s' "$text" >"$DIR/in"
		fails 65 "$DIR/in:1: " import json "$DIR/in"
	done
	python3 -c 'import json, subprocess, sys; assert len(json.load(sys.stdin)) == 3' < <(v export json)
}

@test "an empty map in every format" {
	: >"$DIR/virtmaps"
	local format
	for format in virtmaps virtusertable postfix-virtual vpopmail csv json; do
		v export $format >"$DIR/out"
		run v import $format "$DIR/out"
		echo "$format: $output"
		[ "$status" -eq 0 ]
		[[ $output == *"0 not carried over" ]]
	done
}

@test "an export is sorted, whatever the order of the map" {
	v add z@alpha.example bob
	v add A@one.example bob
	local format
	tac "$DIR/virtmaps" | sed 's/one/ONE/' >"$DIR/other"
	for format in virtmaps virtusertable postfix-virtual vpopmail csv json; do
		v export $format >"$DIR/out" 2>"$DIR/null" || [ $format = vpopmail ]
		v -o "map=$DIR/other" export $format 2>"$DIR/null" | cmp - "$DIR/out"
		[ "$(wc -l <"$DIR/out")" -ge 3 ]
	done
	v export postfix-virtual >"$DIR/out"
	[ "$(cat "$DIR/out")" = "$(printf '%s\t%s\n' alpha.example virtual z@alpha.example bob one.example virtual \
		@one.example carol a@one.example bob info@one.example bob)" ]
}

@test "a full disk behind an export is an error" {
	[ -w /dev/full ] || skip "no /dev/full"
	run --separate-stderr sh -c '"$1" -C "$2" export csv >/dev/full' - "$BUILD/virtmap" "$DIR/conf"
	[ "$status" -eq 74 ]
}

# ---- there and back ------------------------------------------------------------------------

@test "random maps come back as they went out, in every format" {
	command -v python3 >/dev/null || skip "no python3"
	run python3 "$ROOT/tests/e2e/exchange.py" "$BUILD/virtmap" 1 40
	echo "$output"
	[ "$status" -eq 0 ]
}
