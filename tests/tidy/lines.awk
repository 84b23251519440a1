# SPDX-License-Identifier: MIT
#
# The checks that read source text line by line: SPDX line, width, length of
# files and functions, trailing space, includes that point upward, and atomics
# without a comment.  Run by tidy.sh on names relative to the root.

function report(line, text) {
	printf "%s:%d: %s\n", file, line, text
	bad = 1
}

# Columns that a line takes with tabs of eight; a UTF-8 character is one.
function width(s,    n, column) {
	gsub(/[\200-\277]/, "", s)
	column = 0
	while ((n = index(s, "\t")) > 0) {
		column += n - 1
		column += 8 - column % 8
		s = substr(s, n + 1)
	}
	return column + length(s)
}

function end_of_file() {
	if (file != "" && lines > 700)
		report(lines, "file has " lines " lines, 700 at most")
}

# The layer of an include: 0 if it is of no interest, -1 if it is unknown.
function layer_of(name,    part, n) {
	n = split(name, part, "/")
	if (part[1] == "gofer" && n == 2)
		return part[2] in public ? public[part[2]] : -1
	if (n == 2 && part[1] in layer)
		return part[1]
	return name ~ /^model_/ || name == "valgrind/valgrind.h" ? 0 : -1
}

# May a file of layer a include one of layer b?
function may_include(a, b) {
	return a == b || layer[a] > layer[b]
}

function check_include(    name, mine, theirs) {
	if ($0 ~ /^#[ \t]*include[ \t]*</ && $0 !~ /<gofer[\/.]/)
		return
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*/, "", name)
	mine = file
	sub(/^src\//, "", mine)
	sub(/\/.*/, "", mine)
	theirs = layer_of(name)
	if (theirs == -1)
		report(FNR, "\"" name "\" is in no layer that tests/tidy knows")
	else if (theirs != 0 && !may_include(mine, theirs))
		report(FNR, "src/" mine " includes \"" name "\", which is not" \
			" below it")
}

BEGIN {
	layer["arch"] = 1
	layer["sched"] = 2
	layer["sync"] = layer["io"] = 3
	layer["select"] = 4
	layer["observe"] = 5

	# Public headers, and the layer that implements them.
	public["base.h"] = public["fiber.h"] = "arch"
	public["task.h"] = public["runtime.h"] = public["time.h"] = "sched"
	public["group.h"] = public["deadline.h"] = "sched"
	public["local.h"] = public["guest.h"] = "sched"
	public["blocking.h"] = "sched"
	public["sync.h"] = public["chan.h"] = "sync"
	public["select.h"] = "select"
	public["broadcast.h"] = public["watch.h"] = "sync"
	public["oneshot.h"] = "sync"
	public["io.h"] = public["net.h"] = public["file.h"] = "io"
	public["names.h"] = "io"
	public["process.h"] = public["signal.h"] = "io"
	public["stream.h"] = "io"
	public["debug.h"] = "sched"
	public["cxx.h"] = "arch"
}

FNR == 1 {
	end_of_file()
	file = FILENAME
	sub(/^\.\//, "", file)
	code = file ~ /\.[chS]$/
	in_comment = in_body = start = 0
	last_comment = -100
	spdx = 0
}

{ lines = FNR }

FNR <= 2 && /SPDX-License-Identifier: MIT/ { spdx = FNR }
FNR == 1 { script = /^#!/ }
FNR == 1 + script && !spdx { report(FNR, "no SPDX line") }

/[ \t\r]$/ { report(FNR, "space at the end of the line") }

width($0) > 80 { report(FNR, "line has " width($0) " columns, 80 at most") }

!code { next }

# Where comments are; a line with the end of one still counts.
{
	was_comment = in_comment
	if (in_comment || /\/\*/ || /\/\//)
		last_comment = FNR
	rest = $0
	while (match(rest, in_comment ? "\\*/" : "/\\*")) {
		in_comment = !in_comment
		rest = substr(rest, RSTART + RLENGTH)
	}
}

!was_comment && !/^#[ \t]*define/ && /atomic_[a-z_]+_explicit[ \t]*\(/ {
	if (FNR - last_comment > 6)
		report(FNR, "atomic without a comment in the six lines above")
}

!was_comment && file ~ /^src\// && /^#[ \t]*include/ { check_include() }

# A function: from the first line of its head to the brace in column one.
!in_body && /^[ \t]*$|;[ \t]*$|^[}#]|\*\/[ \t]*$/ { start = 0 }
!in_body && !start && !was_comment && /^[A-Za-z_]/ { start = FNR }
!in_body && /^\{/ { in_body = 1 }
in_body && /^\}/ {
	if (start && FNR - start + 1 > 70)
		report(start, "function of " FNR - start + 1 \
			" lines, 70 at most")
	in_body = start = 0
}

END {
	end_of_file()
	exit bad
}
