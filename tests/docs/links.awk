# SPDX-License-Identifier: MIT
#
# Lists what documents refer to, one per line, separated by tabs:
#
#	link FILE LINE TARGET      [text](TARGET), relative targets only
#	path FILE LINE PATH        a file named in the text or in a comment
#	anchor FILE NAME           of a heading, or of an <a id="NAME">
#
# What stands between ``` is passed over, and in headers all but comments.

function heading_anchor(text,    name) {
	gsub(/`/, "", text)
	while (match(text, /\[[^\]]*\]\([^)]*\)/)) {
		name = substr(text, RSTART + 1, RLENGTH - 1)
		sub(/\].*/, "", name)
		text = substr(text, 1, RSTART - 1) name \
			substr(text, RSTART + RLENGTH)
	}
	text = tolower(text)
	gsub(/[^a-z0-9 _-]/, "", text)
	gsub(/ /, "-", text)
	name = text
	if (seen[FILENAME, text]++)
		name = text "-" (seen[FILENAME, text] - 1)
	return name
}

FNR == 1 { fenced = 0 }
{ document = FILENAME ~ /\.md$/ }
document && /^[ \t]*```/ { fenced = !fenced; next }
document && fenced { next }
!document && !/^ ?\*|^\/\*|^[ \t]+\*/ { next }

document && /^#+ / {
	text = $0
	sub(/^#+ +/, "", text)
	print "anchor\t" FILENAME "\t" heading_anchor(text)
}

{
	rest = $0
	while (match(rest, /<a (id|name)="[^"]*"/)) {
		name = substr(rest, RSTART, RLENGTH - 1)
		sub(/.*"/, "", name)
		print "anchor\t" FILENAME "\t" name
		rest = substr(rest, RSTART + RLENGTH)
	}
	rest = $0
	while (document && match(rest, /\]\([^) ]+\)/)) {
		target = substr(rest, RSTART + 2, RLENGTH - 3)
		rest = substr(rest, RSTART + RLENGTH)
		if (target !~ /^[a-z]+:/)
			print "link\t" FILENAME "\t" FNR "\t" target
	}
	rest = $0
	gsub(/\]\([^)]*\)/, " ", rest)
	while (match(rest, /[A-Za-z0-9_.\/*-]+\.(c|h|S|md|sh|awk|txt|cmake)/)) {
		path = substr(rest, RSTART, RLENGTH)
		before = RSTART == 1 ? "" : substr(rest, RSTART - 1, 1)
		rest = substr(rest, RSTART + RLENGTH)
		if (path ~ /\// && path !~ /[*]|NAME|^\/|^build\// &&
		    before !~ /[<$~]/ && rest !~ /^[A-Za-z0-9_]/)
			print "path\t" FILENAME "\t" FNR "\t" path
	}
}
