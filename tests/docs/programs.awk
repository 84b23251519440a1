# SPDX-License-Identifier: MIT
#
# Takes whole programs out of documents:
#
#	programs.awk -v work=FOLDER DOCUMENT.md...
#
# A program is what stands between ``` lines of which the first says "c", if it
# begins with #include and has a main().  "c NAME" says that it is one for the
# library NAME of pkg-config, and not for this one ("c pthreads": for none;
# "c gofer": for this one, but quoted from no example, see tidy/quotes.awk).
# What stands between ```text and ``` right behind it is what it prints.
#
# Writes FOLDER/N.c, FOLDER/N.text if it prints something, and one line each:
#
#	N FILE:LINE NAME

function end_block() {
	if (kind ~ /^c( |$)/ && code ~ /^#include/ && code ~ /\nint main\(/) {
		n++
		printf "%s", code >(work "/" n ".c")
		close(work "/" n ".c")
		name = kind == "c" ? "gofer" : substr(kind, 3)
		print n, FILENAME ":" begin, name
		fresh = 1
	} else if (kind == "text" && fresh) {
		printf "%s", code >(work "/" n ".text")
		close(work "/" n ".text")
		fresh = 0
	}
	inside = 0
}

FNR == 1 { inside = fresh = 0 }
/^```/ && inside { end_block(); next }
/^```/ {
	kind = substr($0, 4)
	code = ""
	begin = FNR
	inside = 1
	next
}
inside { code = code $0 "\n"; next }
/[^ \t]/ { fresh = 0 }
