# SPDX-License-Identifier: MIT
#
# Lists the functions of public headers, one per line:
#
#	file:line name documented
#
# where `documented` is 1 if the comment that stands directly above it, or above
# the declarations that stand together with it without an empty line, says
# Returns, Context and Parks.  Lines "macro NAME FUNCTION" tell which functions
# stand behind a macro.

function end_declaration(    name) {
	if (match(text, /(go|fiber)_[a-z0-9_]+[ \t]*\(/) &&
	    text !~ /^typedef/ && text !~ /^(struct|enum|union)[^()]*\{/) {
		name = substr(text, RSTART, RLENGTH)
		sub(/[ \t]*\($/, "", name)
		# Two underscores: internal, not part of the interface.
		if (name !~ /^(go|fiber)__/ && text !~ /^[^(]*=/)
			printf "%s:%d %s %d\n", FILENAME, begin, name,
				comment ~ /Returns/ && comment ~ /Context/ &&
				comment ~ /Parks/
	}
	text = ""
}

FNR == 1 {
	comment = text = macro = ""
	in_comment = depth = 0
}

# Macros: what they mention.
macro == "" && /^#[ \t]*define[ \t]+[A-Za-z_]+/ {
	macro = $0
	sub(/^#[ \t]*define[ \t]+/, "", macro)
	sub(/[^A-Za-z0-9_].*/, "", macro)
}
macro != "" {
	rest = $0
	while (match(rest, /(go|fiber)_[a-z0-9_]+/)) {
		print "macro " macro " " substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
	}
	if ($0 !~ /\\$/)
		macro = ""
	next
}
/^#/ { next }

# Comments in column one are contracts; an empty line ends their reach.
!in_comment && /^\/\*/ { comment = ""; in_comment = 1 }
in_comment {
	comment = comment " " $0
	if (/\*\//)
		in_comment = 0
	next
}
/^[ \t]*$/ && text == "" { comment = ""; next }

# Bodies of structs and inline functions.
depth == 0 && text == "" && /^[A-Za-z_]/ { begin = FNR }
{
	line = $0
	gsub(/\/\*.*\*\//, "", line)
	if (depth == 0 && line !~ /^extern "C"/)
		text = text " " line
	if (text == " " line)
		text = line
	if (line ~ /^extern "C"/)
		next
	depth += gsub(/\{/, "{", line) - gsub(/\}/, "}", line)
	if (depth == 0 && text != "" && (line ~ /;[ \t]*$/ || line ~ /^\}/))
		end_declaration()
}
