#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What bash makes of virtmap's and mailpeek's words: completions/virtmap.bash asked as bash asks it,
# and once in a bash on a terminal. Works for any user in a directory of its own.

load map

setup() {
	begin 'aliases = none'
	cat >"$DIR/accounts" <<-'EOT'
		bob:x:1001:1001::/home/bob::
		bonnie:x:1002:1002::/home/bonnie::
		zoe@one.example:x:1003:1003::/srv/zoe::
	EOT
	cat >"$DIR/virtmaps" <<-'EOT'
		# words
		webmaster@one.example    bob
		WebShop@One.example      bob
		web+*@two.example        bob
		jürg@two.example         bob
		"web x"@two.example      bob
		web`reboot`@two.example  bob
		@two.example             bob
	EOT
	PATH=$BUILD:$PATH
	virtmap -C "$DIR/conf" build >"$DIR/out"
	cd "$DIR" || return
	# shellcheck source=completions/virtmap.bash
	. "$ROOT/completions/virtmap.bash"
}

# asked LINE: the words bash is given for it, in the order of sort, each with a blank behind.
asked() {
	COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:@'
	set -- "${COMP_LINE%% *}"
	_virtmda "$1"
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' '
}

v() { asked "virtmap -C $DIR/conf $1"; }

@test "commands: those the programs have" {
	[ "$(asked 'virtmap re')" = "rename resolve " ]
	[ "$(asked 'virtmap -o map=x im')" = "import " ]
	[ "$(asked 'mailpeek li')" = "list " ]
	[ "$(asked 'virtmap nothing')" = "" ]
	[ "$(asked 'virtmap ' | wc -w)" -eq "$(virtmap -h | grep -c '^  [a-z]')" ]
}

@test "options: of the program, then of the command" {
	[ "$(asked 'virtmap -')" = "-C -V -h -o " ]
	[ "$(v 'list -')" = "-h -j -s " ]
	[ "$(v 'import -')" = "-h -m -n -r " ]
	[[ " $(asked 'mailpeek list -')" == *' -b '* ]]
}

@test "keys: without regard to case, none that a shell would obey" {
	[ "$(v 'get web')" = "web+\\*@two.example webmaster@one.example webshop@one.example " ]
	[ "$(v 'get WEBM')" = "webmaster@one.example " ]
	[ "$(v 'rm -n webmaster@one.example jü')" = "jürg@two.example " ]
	[ "$(v 'set webs')" = "webshop@one.example " ]
	[ "$(v 'get webmaster@one.example ')" = "" ]
	# bash takes what is behind the @ for a word of its own.
	[ "$(v 'get webmaster@o')" = "one.example " ]
}

@test "new addresses: domains behind the @" {
	[ "$(v 'add new@')" = "one.example two.example " ]
	[ "$(v 'add -n new@t')" = "two.example " ]
	[ "$(v 'rename webshop@one.example shop@o')" = "one.example " ]
	[ "$(v 'domains o')" = "one.example " ]
}

@test "targets and accounts" {
	[ "$(v 'set webshop@one.example bo')" = "bob bonnie " ]
	[ "$(v 'set webshop@one.example dis')" = "discard: " ]
	[ "$(v 'add x@one.example b@tw')" = "two.example " ]
	[ "$(asked "mailpeek -C $DIR/conf list bo")" = "bob bonnie " ]
	[ "$(asked "mailpeek -C $DIR/conf raw bob ")" = "" ]
}

@test "formats and files" {
	[ "$(v 'import v')" = "virtmaps virtusertable vpopmail " ]
	[ "$(v 'export --help c')" = "csv " ]
	[ "$(v 'import --replace json acc')" = "accounts accounts.gdbm " ]
	[ "$(asked 'virtmap -C con')" = "conf " ]
	[ "$(asked 'virtmap -o map=')" = "" ]
}

@test "check: the names of findings" {
	[ "$(v 'check dup')" = "duplicate " ]
	[ "$(v 'check -j duplicate cy')" = "cycle " ]
}

@test "no settings, no map: no words and no noise" {
	[ "$(asked "virtmap -C $DIR/none get web" 2>&1)" = "" ]
	rm virtmaps
	[ "$(v 'get web' 2>&1)" = "" ]
}

@test "of very many keys, only how they go on" {
	python3 - >>virtmaps <<-'EOT'
		for n in range(20000):
		    print("mass%05d@three.example bob" % n)
		for n in range(300):
		    print("ü%s@three.example bob" % chr(0xe0 + n))
	EOT
	[ "$(v 'get mass')" = "mass0 mass1 " ]
	[ "$(v 'get mass1')" = "mass10 mass11 mass12 mass13 mass14 mass15 mass16 mass17 mass18 mass19 " ]
	[ "$(v 'get mass1234')" = "mass12340@three.example mass12341@three.example mass12342@three.example mass12343@three.example mass12344@three.example mass12345@three.example mass12346@three.example mass12347@three.example mass12348@three.example mass12349@three.example " ]
	virtmap -C conf complete keys ü | iconv -f UTF-8 -t UTF-8 >"$DIR/out"
	[ "$(wc -l <"$DIR/out")" -gt 1 ]
	# One that is all they have in common is a choice as well.
	printf 'mass bob\n' >>virtmaps
	[ "$(v 'get mas')" = "mass mass0 mass1 " ]
}

@test "virtmap complete: used wrongly" {
	run virtmap -C conf complete nothing x
	[ "$status" -eq 64 ]
	run virtmap -C conf complete
	[ "$status" -eq 64 ]
}

@test "in a bash on a terminal" {
	printf 'PS1="$ "\nbind "set bell-style none"\n. %q\n' "$ROOT/completions/virtmap.bash" >rc
	run "$BATS_TEST_DIRNAME/terminal.py" -k "virtmap -C conf get webm\t\nexit\n" env TERM=dumb PATH="$PATH" bash --rcfile rc -i
	echo "$output"
	[[ $output == *"get webmaster@one.example "*"bob"* ]]
}
