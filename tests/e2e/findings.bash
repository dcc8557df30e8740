# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# What a man page says of findings, in the form in which `check -l` and `verify -l` list them.

# findings_of PAGE: "NAME<tab>SEVERITY<tab>MEANING HINT", a line each.
findings_of() {
	awk '
		/^\.Sh /  { inside = $0 == ".Sh FINDINGS" }
		!inside   { next }
		/^\.It /  { if (name) print name "\t" severity "\t" text; name = $3; severity = $5; text = ""; next }
		name && /^\.El/ { print name "\t" severity "\t" text; name = "" }
		name      { text = text (text == "" ? "" : " ") $0 }
	' "$1"
}

# listed: what a command lists, on standard input, in the same form.
listed() { awk -F '\t' '{ print $1 "\t" $2 "\t" $3 " " $4 }'; }
