# SPDX-License-Identifier: MIT
#
# The part of tools/amalgamate that writes gofer.h and gofer.c; arguments are
# the .c files in their order, variables are `out` and `version`.
#
# What is defined at file scope is told by the house style, which clang-format
# keeps: it starts in the first column.

function fail(text)
{
	print "amalgamate: " text >"/dev/stderr"
	failed = 1
	exit 1
}

# The file that a line includes, if it is one of ours; else "".
function ours(line,    name, path)
{
	if (line !~ /^#[ ]*include [<"]/)
		return ""
	name = line
	sub(/^#[ ]*include [<"]/, "", name)
	sub(/[>"].*/, "", name)
	path = (name ~ /^gofer/ ? "include/" : "src/") name
	if ((getline tried <path) <= 0)
		return ""
	close(path)
	return path
}

function emit_header(path, to,    line, inner)
{
	if (path in done)
		return
	done[path] = 1
	while ((getline line <path) > 0) {
		inner = ours(line)
		if (inner != "")
			emit_header(inner, to)
		else if (line !~ /SPDX-License/)
			print line >to
	}
	close(path)
}

# Note that file f defines `name` at file scope.
function define(f, name)
{
	if (name !~ /^[A-Za-z_][A-Za-z0-9_]*$/ || (f, name) in has)
		return
	has[f, name] = 1
	names[f] = names[f] " " name
	times[name]++
}

# Take comments, strings and characters out of a line.
function strip(line)
{
	if (in_comment) {
		if (!match(line, /\*\//))
			return ""
		line = substr(line, RSTART + 2)
		in_comment = 0
	}
	gsub(/\\./, "", line)
	gsub(/"[^"]*"/, "\"\"", line)
	gsub(/'[^']*'/, "0", line)
	while (match(line, /\/\*/)) {
		head = substr(line, 1, RSTART - 1)
		rest = substr(line, RSTART + 2)
		if (!match(rest, /\*\//)) {
			in_comment = 1
			return head
		}
		line = head " " substr(rest, RSTART + 2)
	}
	return line
}

# What does a file-scope declaration define?  It ends at the first of {, ; =.
function declaration(f, text,    tag)
{
	gsub(/__attribute__ *\(\(([^()]|\([^()]*\))*\)\)/, " ", text)
	gsub(/(_Atomic|alignas|_Alignas) *\([^()]*\)/, " ", text)
	gsub(/[ \t]+/, " ", text)
	sub(/^ /, "", text)
	if (text ~ /^(static )?(const )?(struct|union|enum) [a-z_0-9A-Z]+ *{/) {
		tag = text
		sub(/^(static )?(const )?(struct|union|enum) /, "", tag)
		sub(/[^A-Za-z0-9_].*/, "", tag)
		define(f, tag)
		return
	}
	if (text !~ /(^| )(static|GO__ALWAYS_INLINE) /)
		return
	unnamed = text ~ /(struct|union|enum) *{/
	if (unnamed)
		return
	sub(/[{;=].*/, "", text)
	if (text ~ /^[^(]*\(\*/) {		# A pointer to a function.
		sub(/.*\(\*(_Atomic )?/, "", text)
		sub(/[^A-Za-z0-9_].*/, "", text)
	} else {
		sub(/[(\[].*/, "", text)
		sub(/ *$/, "", text)
		sub(/.*[^A-Za-z0-9_]/, "", text)
	}
	define(f, text)
}

function count(text, c,    copy)
{
	copy = text
	return gsub(c, "", copy)
}

# Read a source: its lines, how many of them are its preamble, its names.
function read_source(f,    n, line, code, nest, depth, text, i, enums, parts)
{
	n = depth = nest = in_comment = 0
	text = ""
	while ((getline line <f) > 0) {
		lines[f, ++n] = line
		code = strip(line)
		if (line ~ /^#[ ]*if/)
			nest++
		if (line ~ /^#[ ]*endif/)
			nest--
		if (line ~ /^#[ ]*include/) {
			if (depth > 0 || text != "")
				fail(f ": an include below code")
			open_preamble = 1
		}
		if (open_preamble && nest == 0) {
			preamble[f] = n
			open_preamble = 0
		}
		if (continued || line ~ /^#/) {
			if (!continued && line ~ /^#[ ]*define/) {
				text = line
				sub(/^#[ ]*define[ ]+/, "", text)
				sub(/[^A-Za-z0-9_].*/, "", text)
				# What a system lacks stays defined.
				if (!index(lines[f, n - 1], "#ifndef " text))
					macros[f] = macros[f] " " text
				text = ""
			}
			continued = line ~ /\\$/
			continue
		}
		if (enums && depth == 1) {
			split(code, parts, ",")
			for (i in parts) {
				gsub(/^[ \t]+/, "", parts[i])
				sub(/[^A-Za-z0-9_].*/, "", parts[i])
				define(f, parts[i])
			}
		}
		if (depth == 0) {
			if (code ~ /[^ \t]/)
				text = text " " code
			if (text ~ /[{;=]/) {
				declaration(f, text)
				enums = text ~ /^ *(static )?enum[^;=(]*{/
				if (text ~ /[;{]/)
					text = ""
			}
		}
		depth += count(code, "{") - count(code, "}")
		if (depth == 0 && unnamed && code ~ /^}/) {
			sub(/^} */, "", code)
			declaration(f, "static " code)
		}
		if (depth == 0 && code ~ /[;}] *$/)
			text = ""
	}
	close(f)
	last[f] = n
	if (depth || nest || in_comment)
		fail(f ": braces, conditions or comments do not match")
}

function banner(text, to)
{
	printf "\n/* ---- %s %s */\n\n", text, substr(dashes, length(text)) >to
}

function emit_preamble(f, to,    i, inner)
{
	for (i = 1; i <= preamble[f]; i++) {
		inner = ours(lines[f, i])
		if (inner != "")
			emit_header(inner, to)
		else if (lines[f, i] ~ /^#/)
			print lines[f, i] >to
	}
}

function emit_body(f, to,    i, n, list, stem)
{
	stem = f
	sub(/.*\//, "", stem)
	sub(/\.c$/, "", stem)
	banner(f, to)
	n = split(names[f], list, " ")
	for (i = 1; i <= n; i++)
		if (times[list[i]] > 1)
			printf "#define %s go__%s_c_%s\n", list[i], stem,
				list[i] >to
	for (i = preamble[f] + 1; i <= last[f]; i++)
		print lines[f, i] >to
	for (i = 1; i <= n; i++)
		if (times[list[i]] > 1)
			printf "#undef %s\n", list[i] >to
	n = split(macros[f], list, " ")
	for (i = 1; i <= n; i++)
		printf "#undef %s\n", list[i] >to
}

BEGIN {
	dashes = "---------------------------------------------------------"
	head = "/* SPDX-License-Identifier: MIT */\n/* gofer " version \
		", made by tools/amalgamate: change the sources instead. */\n"
	to = out "/gofer.h"
	printf "%s", head >to
	emit_header("include/gofer.h", to)
	emit_header("include/gofer/fiber.h", to)
	close(to)

	to = out "/gofer.c"
	print head "#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif" >to
	print "#include \"gofer.h\"" >to
	# Functions of headers, and locals named as another file's functions.
	print "#pragma GCC diagnostic ignored \"-Wunused-function\"" >to
	print "#pragma GCC diagnostic ignored \"-Wshadow\"" >to
	for (i = 1; i < ARGC; i++)
		read_source(ARGV[i])
	for (i = 1; i < ARGC; i++)
		emit_preamble(ARGV[i], to)
	for (i = 1; i < ARGC; i++)
		emit_body(ARGV[i], to)
	close(to)
	exit failed
}
