#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The map that we give to newcomers, and the examples of virtmaps(5), do what they say.
# Works for any user in a directory of its own.

load map

setup() {
	begin 'aliases = @DIR/aliases' 'accepted_domains = none' 'mailbox = maildir:~/Maildir'
	printf '%s:x:1001:1001::/home/%s::\n' bob bob carol carol >"$DIR/accounts"
	echo 'postmaster: carol' >"$DIR/aliases"
}

# section NAME: a section of the page, roff escapes taken off.
section() {
	sed -n "/^\\.Sh $1\$/,/^\\.Sh/p" "$ROOT/man/virtmaps.5" | sed 's/^\\&//'
}

# literal N: the Nth literal block of the standard input.
literal() {
	awk -v want="$1" '/^\.Bd -literal/ { n++; inside = 1; next } /^\.Ed/ { inside = 0 } inside && n == want'
}

@test "the sample compiles, and check has nothing to say" {
	cp "$ROOT/samples/virtmaps" "$DIR/virtmaps"
	run v build
	echo "$output"
	[ "$status" -eq 0 ]
	run v check
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *" 0 errors, 0 warnings"* ]]
	[ "$(paste -sd ' ' "$DIR/domains")" = ".three.example one.example three.example two.example" ]
}

@test "the sample does what its comments say" {
	cp "$ROOT/samples/virtmaps" "$DIR/virtmaps"
	v build
	while IFS='|' read -r address answer; do
		got=$(v resolve -q -- "$address") || :
		echo "$address: $got"
		[ "$got" = "$answer" ]
	done <<-'EOT'
		webmaster@one.example|account bob
		info@one.example|forward bob,carol
		bob+lists@one.example|account bob+lists
		bob@one.example|account bob
		bob@three.example|account bob
		bob+lists@three.example|account bob+lists
		nobody@one.example|account carol
		nobody@three.example|account carol
		nobody@www.three.example|account carol
		webmaster@two.example|account carol
		sales@two.example|forward dave@remote.example,carol
		former@two.example|nouser
		noreply@two.example|discard
		nobody@two.example|nouser
		postmaster@one.example|account carol
	EOT
}

@test "makemap takes the sample, too" {
	[ -x /usr/sbin/makemap ] || skip "needs makemap"
	/usr/sbin/makemap hash "$DIR/x.db" <"$ROOT/samples/virtmaps"
}

@test "the examples of virtmaps(5)" {
	section EXAMPLES | literal 1 >"$DIR/virtmaps"
	[ "$(grep -c . "$DIR/virtmaps")" -gt 10 ]
	v build
	section EXAMPLES | literal 2 >"$DIR/session"
	[ "$(grep -c '^\$ virtmap resolve -q' "$DIR/session")" -ge 8 ]
	while IFS= read -r line; do
		case $line in
		'$ virtmap '*)
			# shellcheck disable=SC2086 # our own page's words
			v ${line#'$ virtmap '} || :
			echo
			;;
		esac
	done <"$DIR/session" >"$DIR/answers"
	grep -v '^\$' "$DIR/session" >"$DIR/expected"
	grep . "$DIR/answers" | diff -u "$DIR/expected" -
}

@test "the diagnostics of virtmaps(5)" {
	printf '%s\n' 'a@one.example error:No such user' '@one.example bob' 'info@one.example' '@one.example x' >"$DIR/virtmaps"
	run v build
	[[ $output == *"virtmaps:3: info@one.example: there is no target"* ]]
	[[ $output == *"virtmaps:4: @one.example is already mapped in line 2"* ]]
	[[ $output == *"virtmaps:1: a@one.example: error: does not know the word \"No\""* ]]
	printf '%s\n' 'one.example  %1@two.example' 'two.example  %1@one.example' >"$DIR/virtmaps"
	run v build
	[ "$status" -eq 65 ]
	[[ $output == *"virtmaps:1: this goes round in a circle: @one.example -> @two.example -> @one.example"* ]]
}
