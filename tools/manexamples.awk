# SPDX-License-Identifier: MIT
#
# The examples of manual pages; the first half of tools/manpages.awk, which is
# to be read first by awk, for here are the rules for programs.
#
# The example of a page is a whole program of at most MOST lines: one that the
# comment or the header names, or else the shortest that uses what the page is
# about, itself or by a macro that calls it.  Of a longer one, it is the first
# function that does.
#
# A function, or a macro with parameters, needs an example, if there are any.

BEGIN {
	MOST = 100
	ANY = 100000
}

# ---- reading programs: the words of their code, and their text ----

# A line without comments and strings.
function code_of(s,    at, rest) {
	if (in_note && !sub(/^.*\*\//, "", s))
		return ""
	in_note = 0
	gsub(/'"'|"([^"\\]|\\.)*"/, "", s)
	while ((at = index(s, "/*"))) {
		rest = substr(s, at + 2)
		s = substr(s, 1, at - 1)
		in_note = !index(rest, "*/")
		if (!in_note)
			s = s " " substr(rest, index(rest, "*/") + 2)
	}
	return s
}

# What uses a word of a program: a function's text, or nothing if it is outside
# of all.  Who uses a macro uses what is in its text.
function mark_use(file, word, text,    n, inside, i) {
	if ((file, word) in uses && (uses[file, word] != "" || text == ""))
		return
	uses[file, word] = text
	n = split(text_of[word], inside, /[^A-Za-z0-9_]+/)
	for (i = 1; i <= n; i++)
		mark_use(file, inside[i], text)
}

# The end of a piece: a function with the comment above it, or something else.
function end_piece(text,    word) {
	for (word in piece_words)
		mark_use(FILENAME, word, text)
	split("", piece_words)
	piece = ""
	in_body = 0
}

FNR == 1 {
	example = FILENAME !~ /\.h$/
	in_note = in_body = 0
	piece = ""
	split("", piece_words)
	if (example)
		program[++programs] = FILENAME
}
example {
	line = $0
	count_of[FILENAME] = FNR
	if (/^#include/)
		begun[FILENAME] = 1
	if (begun[FILENAME])
		source[FILENAME] = source[FILENAME] line "\n"
	piece = piece line "\n"
	line = code_of(line)
	gsub(/[^A-Za-z0-9_]+/, " ", line)
	n = split(line, words, " ")
	for (i = 1; i <= n; i++)
		piece_words[words[i]] = 1
	if (/^\{/)
		in_body = 1
	if (/^}/ && in_body)
		end_piece(piece)
	else if (!in_body)
		mark_outside()
	next
}

# Outside of functions each line is by itself, and an empty one ends what may
# belong to the next function.
function mark_outside(    word) {
	for (word in piece_words)
		mark_use(FILENAME, word, "")
	if (/^[ \t]*$/ || /^}/)
		end_piece("")
}

# ---- choosing one, and writing it ----

# The program to show: of those that the text names, or of all, the shortest.
function example_for(list, text, most,    i, j, p, n, name, fits, best) {
	n = split(list, name, " ")
	best = ""
	for (i = 1; i <= programs; i++) {
		p = program[i]
		if (count_of[p] > most || (text != "" && !index(text, p)))
			continue
		fits = 0
		for (j = 1; j <= n; j++)
			fits += (p, name[j]) in uses
		if (fits && (best == "" || count_of[p] < count_of[best]))
			best = p
	}
	return best
}

# Each name wants one, though a page may have several.
function check_examples(e,    n, name, i) {
	n = split(names[e], name, " ")
	for (i = 1; i <= n && programs; i++)
		if (callable[name[i]] && !example_for(name[i], "", ANY)) {
			printf "%s: %s is in no example\n", place[e], name[i]
			bad = 1
		}
}

# The functions of a program that use a page's names, each once.
function put_functions(e, p,    n, name, i, text, shown) {
	n = split(names[e], name, " ")
	for (i = 1; i <= n; i++) {
		text = (p, name[i]) in uses ? uses[p, name[i]] : ""
		if (text == "" || text in shown)
			continue
		shown[text] = 1
		put_code(text)
	}
}

function put_example(e,    p) {
	p = example_for(names[e], about[e], MOST)
	if (p == "")
		p = example_for(names[e], overview[home[e]], MOST)
	if (p == "")
		p = example_for(names[e], "", MOST)
	if (p != "") {
		put(".SH EXAMPLES")
		put("The program " p " of the source tree:")
		put_code(source[p])
		return
	}
	p = example_for(names[e], about[e], ANY)
	if (p == "")
		p = example_for(names[e], "", ANY)
	if (p != "") {
		put(".SH EXAMPLES")
		put("From the program " p " of the source tree:")
		put_functions(e, p)
	}
}
