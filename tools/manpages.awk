# SPDX-License-Identifier: MIT
#
# Makes manual pages out of the public headers:
#
#	awk -f manexamples.awk -f manpages.awk -v out=FOLDER -v version=0.1.0 \
#		gofer.h gofer/HEADER.h... EXAMPLE.c...
#
# FOLDER/man3 gets a page for each function, macro and type that has a comment
# directly above it; what stands together without an empty line, and macros
# without a comment behind a type, share one.  FOLDER/man7 gets one for each
# header, out of the comment at its head, which is also that of types without a
# comment of their own.  Both folders must be there.
#
# A comment is sections: what stands before "Returns" is the description, its
# first sentence says what the page is about, "Context" and "Parks" are what
# base.h says they are.  Text five columns or more to the right after an empty
# line is code; "- " begins an item of a list, and a line that begins with words
# in capitals and two spaces a paragraph with that heading.  In Returns, errors
# are what begins with "-E", each with its reason in parentheses.
#
# What is chosen of the examples, and how, tools/manexamples.awk says.
#
# Prints what lacks something a page needs, and exits with 1 then.

BEGIN {
	# What headers are made with; nobody else uses it.
	split("GO_API GO_BEGIN_DECLS GO_END_DECLS GO_SITE_TEXT GO_SITE_LINE " \
		"GO_SCOPE_JOIN GO_SCOPE_NAME GO_AT_END", words, " ")
	for (i in words)
		internal[words[i]] = 1
	entries = 0
}

# ---- reading headers ---------------------------------------------------------

function trimmed(s) {
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}

# The text of a line of a comment.
function bare(s) {
	sub(/^\/\*[ ]?/, "", s)
	sub(/[ \t]*\*\/[ \t]*$/, "", s)
	sub(/^ \*/, "", s)
	sub(/[ \t]+$/, "", s)
	return s
}

# The entry that what follows belongs to: the one that is open, or a new one.
function open_entry() {
	if (!entry && comment != "") {
		entry = ++entries
		about[entry] = comment
		home[entry] = header
		place[entry] = FILENAME ":" FNR
	}
	return entry
}

function add_name(e, name) {
	if (name in page_of)
		return
	page_of[name] = e
	names[e] = names[e] (names[e] == "" ? "" : " ") name
}

function add_synopsis(e, text) {
	synopsis[e] = synopsis[e] text "\n"
}

# A macro that passes the caller's place on is shown as what it looks like: the
# function without its last parameter.
function add_macro(name, text,    e, head) {
	if (name in internal || name ~ /^GOFER_([A-Z]+_)?H$/)
		return
	e = open_entry()
	if (!e)
		e = entries
	if (!e || home[e] != header) {
		printf "%s:%d: %s has no comment\n", FILENAME, FNR, name
		bad = 1
		return
	}
	text_of[name] = text
	if (text ~ /GO_SITE\)/ && (name "_at") in prototype) {
		head = prototype[name "_at"]
		sub(name "_at", name, head)
		sub(/,[ \t\n]*const char \*site\)/, ")", head)
		names[e] = name (names[e] == "" ? "" : " ") names[e]
		page_of[name] = e
		synopsis[e] = head "\n" synopsis[e]
		return
	}
	add_name(e, name)
	head = text
	sub(/^#[ \t]*define[ \t]+/, "", head)
	callable[name] = head ~ "^" name "\\("
	head = callable[name] ? substr(head, 1, index(head, ")")) : name
	add_synopsis(e, "#define " head)
}

# text: a whole declaration, as it stands in the header.
function add_declaration(text,    e, flat, name, type) {
	flat = text
	gsub(/[ \t\n]+/, " ", flat)
	if (flat ~ /^(struct|enum) [a-z_]+;/ || flat ~ /^extern "C\+\+"/)
		return
	if (comment ~ /^ ?Part of /)
		return
	e = open_entry()
	type = flat ~ /^(typedef )?(struct|enum|union) /
	if (type) {
		name = flat
		if (flat ~ /^typedef/) {
			sub(/;[^;]*$/, "", name)
			sub(/.*[ *]/, "", name)
		} else {
			sub(/^(struct|enum) /, "", name)
			sub(/ .*/, "", name)
		}
	} else if (match(flat, /(go|fiber)_[a-z0-9_]+\)?\(/)) {
		name = substr(flat, RSTART, RLENGTH)
		gsub(/[()]/, "", name)
		callable[name] = flat !~ /^typedef /
	} else
		return
	if (name !~ /^[a-z]/)
		return
	if (!e) {
		if (text ~ /^GO_API/) {
			printf "%s:%d: %s has no comment\n", FILENAME, FNR, name
			bad = 1
		} else if (type) {
			# It is what the header is about.
			told[header] = told[header] " " name
		}
		return
	}
	sub(/^GO_API /, "", text)
	if (text ~ /^static inline /) {
		sub(/^static inline /, "", text)
		sub(/\n?\{.*/, ";", text)
	}
	if (flat !~ /\{/)
		gsub(/\n[ \t]+/, "\n    ", text)
	add_name(e, name)
	add_synopsis(e, text)
	prototype[name] = text
}

FNR == 1 {
	header = FILENAME
	sub(/.*\//, "", header)
	comment = text = macro = ""
	in_comment = depth = entry = past_guard = skip = 0
	headers[++header_count] = header
}

# ---- headers ----

/SPDX-License-Identifier/ { next }
/^#ifndef GOFER_/ { past_guard = 1; next }
# What C++ alone sees is another form of what stands above it.
/^#ifdef __cplusplus/ { skip = 1; next }
skip {
	if (/^#else/ || /^#endif/)
		skip = 0
	next
}

macro != "" {
	macro_text = macro_text " " $0
	if (!/\\$/) {
		add_macro(macro, macro_text)
		macro = ""
	}
	next
}
depth == 0 && text == "" && /^#[ \t]*define[ \t]+[A-Za-z_]+/ {
	macro = $0
	sub(/^#[ \t]*define[ \t]+/, "", macro)
	sub(/[^A-Za-z0-9_].*/, "", macro)
	macro_text = $0
	if (!/\\$/) {
		add_macro(macro, macro_text)
		macro = ""
	}
	next
}
depth == 0 && text == "" && /^#/ { next }

depth == 0 && text == "" && !in_comment && /^\/\*/ {
	comment = ""
	entry = 0
	in_comment = 1
}
in_comment {
	line = bare($0)
	if (line != "" || comment != "")
		comment = comment line "\n"
	if (/\*\//) {
		in_comment = 0
		sub(/\n+$/, "\n", comment)
		if (!past_guard) {
			overview[header] = comment
			comment = ""
		}
	}
	next
}
/^[ \t]*$/ && text == "" { comment = ""; entry = 0; next }
/^GO_(BEGIN|END)_DECLS/ { next }
{
	text = text (text == "" ? "" : "\n") $0
	line = $0
	gsub(/\/\*.*\*\//, "", line)
	depth += gsub(/\{/, "{", line) - gsub(/\}/, "}", line)
	if (depth == 0 && (line ~ /;[ \t]*$/ || line ~ /^\}/)) {
		add_declaration(text)
		text = ""
	}
}

# ---- writing -----------------------------------------------------------------

function escaped(s,    done) {
	gsub(/\\/, "\\e", s)
	done = ""
	# A minus, where it is not a hyphen.
	while (match(s, /(^|[ (,"'])-/)) {
		done = done substr(s, 1, RSTART + RLENGTH - 2) "\\-"
		s = substr(s, RSTART + RLENGTH)
	}
	s = done s
	if (s ~ /^[.']/)
		s = "\\&" s
	return s
}

# The same, with the names of functions that have a page in bold.
function marked(s,    done, name) {
	s = escaped(s)
	done = ""
	while (match(s, /(go|fiber|GO)_[A-Za-z0-9_]+\(\)/)) {
		name = substr(s, RSTART, RLENGTH - 2)
		done = done substr(s, 1, RSTART - 1)
		done = done (name in page_of ? "\\fB" name "\\fP()" : name "()")
		s = substr(s, RSTART + RLENGTH)
	}
	s = done s
	while (match(s, /`[^`]+`/))
		s = substr(s, 1, RSTART - 1) "\\fI" \
			substr(s, RSTART + 1, RLENGTH - 2) "\\fP" \
			substr(s, RSTART + RLENGTH)
	return s
}

# A paragraph is one by itself behind a heading.
function put(s) {
	if (s != ".PP" || last !~ /^\.SH/)
		print s >file
	last = s
}

function put_code(s,    n, part, i) {
	n = split(s, part, "\n")
	while (n > 0 && part[n] == "")
		n--
	put(".PP")
	put(".nf")
	put(".RS 4")
	for (i = 1; i <= n; i++) {
		gsub(/\t/, "        ", part[i])
		gsub(/\\/, "\\e", part[i])
		gsub(/-/, "\\-", part[i])
		put(part[i] ~ /^[.']/ ? "\\&" part[i] : part[i])
	}
	put(".RE")
	put(".fi")
}

# A description: paragraphs, code, lists, headings.
function put_text(s,    n, part, i, line, fresh, code, list, indent) {
	n = split(s, part, "\n")
	fresh = 1
	code = ""
	list = 0
	indent = 0
	for (i = 1; i <= n; i++) {
		line = part[i]
		if (line == "") {
			fresh = 1
			if (code != "")
				code = code "\n"
			continue
		}
		if ((fresh || code != "") && !list && line !~ /^ +- / &&
		    line ~ /^(     |\t)/) {
			sub(/^(     |\t)/, "", line)
			code = code line "\n"
			fresh = 0
			continue
		}
		if (code != "") {
			put_code(code)
			code = ""
			fresh = 1
		}
		if (line ~ /^ +- /) {
			sub(/^ +- /, "", line)
			put(".IP \\(bu 2")
			list = 1
		} else if (fresh && (!list || line !~ /^     /)) {
			list = 0
			put(".PP")
			line = trimmed(line)
			if (match(line, /^[A-Z][A-Z ]+  /)) {
				put(".B " trimmed(substr(line, 1, RLENGTH)))
				line = substr(line, RLENGTH + 1)
			}
		}
		fresh = 0
		put(marked(trimmed(line)))
	}
	if (code != "")
		put_code(code)
}

# Split a comment into description, Returns, Context and Parks.
function split_comment(s,    n, part, i, line, where) {
	description = returns = context = parks = ""
	where = "d"
	n = split(s, part, "\n")
	for (i = 1; i <= n; i++) {
		line = part[i]
		if (line ~ /^ Returns  /)
			where = "r"
		else if (line ~ /^ Context  /)
			where = "c"
		else if (line ~ /^ Parks    /)
			where = "p"
		if (where == "d") {
			description = description line "\n"
			continue
		}
		line = trimmed(line)
		sub(/^(Returns|Context|Parks) +/, "", line)
		if (where == "r")
			returns = returns line " "
		else if (where == "c")
			context = context line " "
		else
			parks = parks line " "
	}
}

# Cut at semicolons and full stops outside of parentheses, into piece[1..n].
function cut(s, piece,    n, i, c, level, start) {
	n = level = 0
	start = 1
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "(")
			level++
		else if (c == ")")
			level--
		if (level == 0 && (c == ";" ||
		    (c == "." && substr(s, i, 3) == ".  "))) {
			piece[++n] = trimmed(substr(s, start, i - start))
			start = i + 1
		}
	}
	c = trimmed(substr(s, start))
	sub(/\.$/, "", c)
	if (c != "")
		piece[++n] = c
	return n
}

# A sentence begins, unless with a name of the declaration.
function capital(s,    word) {
	word = s
	sub(/[^A-Za-z0-9_].*/, "", word)
	if (word ~ /_/ || (word in parameter))
		return s
	return toupper(substr(s, 1, 1)) substr(s, 2)
}

# Without the parentheses, if they stand around all of it.
function unwrapped(s,    i, c, level) {
	if (s !~ /^\(.*\)$/)
		return s
	level = 0
	for (i = 1; i < length(s); i++) {
		c = substr(s, i, 1)
		level += (c == "(") - (c == ")")
		if (level == 0)
			return s
	}
	return substr(s, 2, length(s) - 2)
}

function put_results(waits,    piece, n, i, s, result, errors, at, where) {
	n = cut(returns, piece)
	result = ""
	errors = 0
	for (i = 1; i <= n; i++) {
		if (piece[i] ~ /^-E/)
			errors++
		else
			result = result (result == "" ? "" : ".\n") \
				marked(capital(piece[i]))
	}
	put(".SH RETURN VALUE")
	put(result == "" ? "0" : result ".")
	if (errors)
		put("On failure, a negated errno value: see ERRORS.")
	if (!errors && !waits)
		return
	put(".SH ERRORS")
	for (i = 1; i <= n; i++) {
		if (piece[i] !~ /^-E/)
			continue
		s = piece[i]
		put(".TP")
		at = match(s, /[^-A-Z0-9, .]/)
		if (!at) {
			put(".B " escaped(s))
			where = "errno\\fP(3)."
			if (s ~ /ECANCELED|ETIMEDOUT|EDEADLK/)
				where = "gofer_base\\fP(7)."
			put("See \\fB" where)
			continue
		}
		put(".B " escaped(trimmed(substr(s, 1, at - 1))))
		put(marked(capital(unwrapped(substr(s, at)))) ".")
	}
	if (waits) {
		put(".PP")
		put("What ends every wait may end this one:")
		put(".BR gofer_base (7).")
	}
}

# The first sentence, as what stands behind a name.
function first_sentence(s,    at) {
	gsub(/\n/, " ", s)
	gsub(/ +/, " ", s)
	s = trimmed(s)
	sub(/^gofer: /, "", s)
	# One word and a colon are a heading, not a sentence.
	at = match(s, /^[A-Za-z]+: /) ? RLENGTH : 0
	if (match(substr(s, at + 1), /[.:;] |[.:;]$/))
		s = substr(s, 1, at + RSTART - 1)
	if (s ~ /^[A-Z][a-z ]/)
		s = tolower(substr(s, 1, 1)) substr(s, 2)
	return s
}

function listed(s,    n, part, i, r) {
	n = split(s, part, " ")
	r = part[1]
	for (i = 2; i <= n; i++)
		r = r ", " part[i]
	return r
}

function put_see_also(e,    n, name, i, j, s, seen, own, list, t, r) {
	n = split(names[e], name, " ")
	for (i = 1; i <= n; i++)
		own[name[i]] = 1
	s = about[e]
	n = 0
	while (match(s, /(go|fiber|GO)_[A-Za-z0-9_]+/)) {
		t = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (!(t in page_of) || t in own || t in seen)
			continue
		seen[t] = 1
		for (i = ++n; i > 1 && list[i - 1] > t; i--)
			list[i] = list[i - 1]
		list[i] = t
	}
	put(".SH SEE ALSO")
	for (i = 1; i <= n; i++)
		put(".BR " list[i] " (3),")
	r = home[e]
	sub(/\.h$/, "", r)
	put(".BR gofer_" r " (7),")
	put(".BR gofer (7)")
}

function put_head(title, section) {
	put(".\\\" Made by tools/manpages.awk out of the headers.")
	put(".TH " title " " section " \"\" \"gofer " version "\" \"gofer\"")
	put(".nh")
	put(".ad l")
	put(".SH NAME")
}

function put_page(e,    name, n, i, waits, deaf) {
	n = split(synopsis[e], name, /[^A-Za-z0-9_]+/)
	split("", parameter)
	for (i = 1; i <= n; i++)
		parameter[name[i]] = 1
	n = split(names[e], name, " ")
	split_comment(about[e])
	if (first_sentence(description) == "") {
		printf "%s: %s: no description\n", place[e], name[1]
		bad = 1
	}
	file = out "/man3/" name[1] ".3"
	short[e] = first_sentence(description)
	put_head(name[1], 3)
	put(listed(names[e]) " \\- " escaped(short[e]))
	put(".SH LIBRARY")
	put("gofer (libgofer, \\-lgofer \\-pthread)")
	put(".SH SYNOPSIS")
	put(".nf")
	put(".B #include <" (home[e] == "gofer.h" ? "" : "gofer/") home[e] ">")
	put(".fi")
	put_code(synopsis[e])
	put(".SH DESCRIPTION")
	put_text(description)
	if (returns != "") {
		deaf = description ~ /[Dd]eaf/ || parks ~ /deaf/
		waits = parks ~ /^(until|while|if) / && !deaf
		put_results(waits)
		put(".SH CONTEXT")
		put(".TP\n.B Called by\n" marked(capital(trimmed(context))))
		put(".TP\n.B Parks\n" marked(capital(trimmed(parks))))
	}
	check_examples(e)
	put_example(e)
	put_see_also(e)
	close(file)
	for (i = 2; i <= n; i++) {
		file = out "/man3/" name[i] ".3"
		put(".so man3/" name[1] ".3")
		close(file)
	}
}

function put_contents(h,    e, name) {
	put(".SH CONTENTS")
	for (e = 1; e <= entries; e++) {
		if (home[e] != h || names[e] == "")
			continue
		split(names[e], name, " ")
		put(".TP")
		put(".BR " name[1] " (3)")
		put(escaped(short[e]))
	}
}

function title_of(h) {
	sub(/\.h$/, "", h)
	return h == "gofer" ? h : "gofer_" h
}

function put_overview(h,    i, n, name) {
	n = split(told[h], name, " ")
	for (i = 1; i <= n; i++) {
		file = out "/man3/" name[i] ".3"
		put(".so man7/" title_of(h) ".7")
		close(file)
	}
	file = out "/man7/" title_of(h) ".7"
	put_head(title_of(h), 7)
	put(title_of(h) " \\- " escaped(first_sentence(overview[h])))
	put(".SH SYNOPSIS")
	put(".B #include <" (h == "gofer.h" ? "" : "gofer/") h ">")
	put(".SH DESCRIPTION")
	put_text(overview[h])
	if (h != "gofer.h") {
		put_contents(h)
		put(".SH SEE ALSO")
		put(".BR gofer (7)")
		close(file)
		return
	}
	put(".SH HEADERS")
	for (i = 1; i <= header_count; i++) {
		if (headers[i] == h)
			continue
		put(".TP")
		put(".BR " title_of(headers[i]) " (7)")
		put(escaped(first_sentence(overview[headers[i]])))
	}
	put(".SH CONVENTIONS")
	put_text(overview["base.h"])
	close(file)
}

END {
	for (e = 1; e <= entries; e++)
		if (names[e] != "")
			put_page(e)
	for (i = 1; i <= header_count; i++)
		put_overview(headers[i])
	exit bad
}
