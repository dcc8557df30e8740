# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# bash: what virtmap's and mailpeek's words may become. Commands, their options and the kinds of
# their arguments are taken from what the programs themselves print with -h, so this does not age;
# names come from `virtmap complete`, which is quick in a map of a million. No other completions
# are needed.

# _virtmda_reply WORD: lines of standard input are what WORD may become. bash counts what stands
# in front of an @, = or : as another word, which stays as it is.
_virtmda_reply() {
	local break breaks='' line quoted skip=0

	for break in @ = :; do
		[[ $COMP_WORDBREAKS != *"$break"* ]] || breaks+=$break
	done
	if [[ $breaks && $1 == *[$breaks]* ]]; then
		line=${1##*["$breaks"]}
		skip=$((${#1} - ${#line}))
	fi
	while IFS= read -r line; do
		printf -v quoted %q "${line:skip}"
		COMPREPLY+=("$quoted")
	done
}

# _virtmda_commands PROGRAM
_virtmda_commands() { "$1" -h 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'; }

# _virtmda_usage PROGRAM COMMAND: from its usage line, into the caller's `letters` (all options),
# `valued` (those with a value) and `kinds` (of arguments; the last counts on with `more`).
_virtmda_usage() {
	local usage word inside=
	local -a parts

	usage=$("$1" "$2" -h 2>/dev/null) || return
	usage="${usage%%$'\n'*} "
	read -ra parts <<<"${usage#*" $2 "}"
	for word in "${parts[@]}"; do
		if [[ $inside ]]; then
			[[ $word != *']' ]] || inside=
			continue
		fi
		case $word in
		--) ;;
		'[-'* | -*)
			letters+=${word//[^a-zA-Z0-9]/}
			[[ $word != '['* || $word == *']' ]] || {
				valued+=${letters: -1}
				inside=1
			}
			;;
		*)
			kinds+=("${word//[^A-Z]/}")
			[[ $word != *...* ]] || more=1
			;;
		esac
	done
}

# _virtmda_names KIND PROGRAM COMMAND WORD
_virtmda_names() {
	local kind=

	case $1 in
	KEY | OLD | ADDRESS | PATTERN) kind=keys ;;
	NEW) kind=addresses ;;
	TARGET) kind=targets ;;
	ACCOUNT) kind=accounts ;;
	FORMAT) kind=formats ;;
	NAME) # check's findings
		_virtmda_reply "$4" < <(compgen -W "$("$2" check -l 2>/dev/null | sed 's/[[:blank:]].*//')" -- "$4")
		return
		;;
	FILE | SOCKET)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$4")
		return
		;;
	esac
	case $3 in
	add) [[ $kind != keys ]] || kind=addresses ;;
	domains) kind=domains ;;
	esac
	[[ $kind ]] || return 0
	# mailpeek's accounts are virtmap's.
	[[ ${2##*/} != mailpeek ]] || set -- "$1" "${2/%mailpeek/virtmap}" "$3" "$4"
	_virtmda_reply "$4" < <("$2" "${settings[@]}" complete "$kind" "$4" 2>/dev/null)
}

_virtmda() {
	local line=${COMP_LINE:0:COMP_POINT} program=$1 command='' word letters='' valued='' more='' i n=0
	local -a words settings=() kinds=()

	COMPREPLY=()
	read -ra words <<<"$line"
	[[ $line != *[[:blank:]] ]] || words+=('')
	# An environment may stand in front.
	while ((${#words[@]} > 1)) && [[ ${words[0]} != "$program" ]]; do
		words=("${words[@]:1}")
	done
	word=${words[-1]}
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-C | -o)
			[[ ! $command ]] || break
			settings+=("${words[i]}" "${words[++i]}")
			# That value is what is typed.
			if ((i == ${#words[@]} - 1)); then
				[[ ${words[i - 1]} != -C ]] || _virtmda_names FILE "$program" '' "$word"
				return 0
			fi
			;;
		-?*) ;;
		*)
			command=${words[i]}
			break
			;;
		esac
	done
	if [[ ! $command ]]; then
		if [[ $word == -* ]]; then
			_virtmda_reply "$word" < <(compgen -W '-C -o -h -V' -- "$word")
		else
			_virtmda_reply "$word" < <(compgen -W "$(_virtmda_commands "$program")" -- "$word")
		fi
		return 0
	fi
	_virtmda_usage "$program" "$command"
	if [[ $word == -* ]]; then
		[[ ! $letters ]] || letters=$(printf '%s' "$letters" | sed 's/./ -&/g')
		_virtmda_reply "$word" < <(compgen -W "$letters -h" -- "$word")
		return 0
	fi
	for ((i++; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-?*) [[ ! $valued || ${words[i]: -1} != [$valued] ]] || ((i++)) ;;
		*) ((n++)) ;;
		esac
	done
	((i == ${#words[@]} - 1)) || return 0
	if ((n >= ${#kinds[@]})); then
		[[ $more && ${kinds[*]} ]] || return 0
		n=$((${#kinds[@]} - 1))
	fi
	_virtmda_names "${kinds[n]}" "$program" "$command" "$word"
}

complete -F _virtmda virtmap mailpeek
