# SPDX-License-Identifier: MIT
#
# Checks that the examples in comments of public headers and in documents are
# quoted from programs that are compiled and run:
#
#	quotes.awk EXAMPLE.c... EXAMPLE.cc... HEADER.h... DOCUMENT.md...
#
# In a header, an example is what stands five columns or a tab to the right
# after an empty line of a comment; in a document, what stands between ```c or
# ```cpp and ```.  Its lines stand in one of the examples, in this order and
# nothing between them; a line "..." stands for any number of lines that were
# left out.  Indentation and empty lines do not count.  One that begins with
# #include is a whole program, and reaches to the end of the file.

function trimmed(s) {
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}

# A comment cannot stand inside the comment of a header.
function bare(s) {
	sub(/[ \t]*\/\*.*\*\/$/, "", s)
	return s
}

function is_at(file, from,    i, line) {
	for (i = 1; i <= n; i++) {
		line = text[file, from + i - 1]
		if (piece[i] != line && (!header || piece[i] != bare(line)))
			return 0
	}
	return piece[1] !~ /^#include/ || from + n - 1 == length_of[file]
}

# Look the piece up in all examples, and begin the next one.
function end_piece(    i, from) {
	for (i = 1; i <= files && n > 0; i++)
		for (from = 1; from + n - 1 <= length_of[file[i]]; from++)
			if (is_at(file[i], from))
				n = 0
	if (n > 0) {
		printf "%s:%d: this is in no example: %s\n", name, begin, \
			piece[1]
		bad = 1
	}
	n = 0
}

function add(line) {
	line = trimmed(line)
	if (line == "...")
		end_piece()
	else if (line != "") {
		if (n == 0)
			begin = FNR
		piece[++n] = line
		quoted++
	}
}

FNR == 1 {
	end_piece()
	name = FILENAME
	inside = blank = 0
	header = name ~ /\.h$/
	if (name ~ /\.cc?$/)
		file[++files] = name
}

name ~ /\.cc?$/ {
	if (trimmed($0) != "")
		text[name, ++length_of[name]] = trimmed($0)
	next
}

header {
	if (/^ \*(     |\t)/ && (inside || blank)) {
		inside = 1
		add(substr($0, 3))
	} else if (inside && !/^ \*$/) {
		inside = 0
		end_piece()
	}
	blank = /^ \*$/
	next
}

/^```(c|cpp)$/ { inside = 1; next }
/^```/ { inside = 0; end_piece() }
inside { add($0) }

END {
	end_piece()
	if (files == 0 || quoted == 0) {
		print "no examples or no quotes found: the check is broken"
		bad = 1
	}
	exit bad
}
