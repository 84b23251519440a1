#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Manual pages are complete, and render.
#
#	man.sh ROOT BUILD AWK VERSION
#
# Every exported function, every macro and type of the headers has a page, those
# of functions, and of macros with parameters, with an example that is compiled
# and run; groff and mandoc, where they are installed, have nothing to say
# against any; and every awk at hand makes the same pages.  Then that the
# generator refuses what lacks a comment, or an example.
set -u

root=$1
build=$2
awk=$3
version=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
result=0
cd "$root" || exit 2

fail()
{
	echo "$*"
	result=1
}

# make AWK FOLDER FILE...
make()
{
	by=$1
	to=$2
	shift 2
	mkdir -p "$to/man3" "$to/man7"
	# shellcheck disable=SC2086
	$by -v out="$to" -v version="$version" -f tools/manexamples.awk \
		-f tools/manpages.awk "$@"
}

sources()
{
	for kind in 'include/*.h' 'include/gofer/*.h' 'examples/*.c'; do
		# shellcheck disable=SC2086
		LC_ALL=C ls $kind
	done
}

# shellcheck disable=SC2046
make "$awk" "$work/man" $(sources) || fail "the generator complains"
diff -r "$work/man" "$build/man" >/dev/null ||
	fail "$build/man is something else"

# ---- complete ----

sed -n 's/^#[ \t]*define[ \t]*\([A-Za-z_0-9]*\).*/\1/p' include/*.h \
	include/gofer/*.h | grep -Ev '^GOFER_([A-Z]+_)?H$' |
	grep -Evx 'GO_(API|BEGIN_DECLS|END_DECLS|SITE_(TEXT|LINE))' |
	grep -Evx 'GO_(SCOPE_(JOIN|NAME)|AT_END)' |
	cat - tests/exported-symbols.txt >"$work/all"
sed -n 's/^\(typedef struct\|typedef enum\|enum\) \([a-z]*_[a-z_]*\).*/\2/p
	s/^typedef void \*(*\([a-z_]*\))*(.*/\1/p' include/gofer/*.h \
	>>"$work/all"
sort -u "$work/all" >"$work/names"
while read -r name; do
	[ -s "$work/man/man3/$name.3" ] || fail "$name has no page"
done <"$work/names"
for header in include/gofer/*.h; do
	name=gofer_$(basename "$header" .h)
	[ -s "$work/man/man7/$name.7" ] || fail "$header has no page"
done
for section in NAME LIBRARY SYNOPSIS DESCRIPTION 'RETURN VALUE' ERRORS \
	CONTEXT EXAMPLES 'SEE ALSO'; do
	grep -qx "\.SH $section" "$work/man/man3/go_task_join.3" ||
		fail "go_task_join(3) has no $section"
done
echo "$(wc -l <"$work/names") functions, macros and types," \
	"$(find "$work/man" -type f | wc -l) pages"

# ---- examples ----

# The generator sees to it that each name is used in one; a page may have many.
# What is "Part of" a macro has no page.
sed -n 's/^#[ \t]*define[ \t]*\([A-Za-z_0-9]*\)(.*/\1/p
	s/^static inline .*[ *]\(go_[a-z_]*\)(.*/\1/p' include/gofer/*.h |
	grep -Evx 'GO_(SITE_(TEXT|LINE)|SCOPE_(JOIN|NAME)|AT_END)' |
	grep -Evx 'go_(deadline|timeout|shield|group)_make' |
	sort -u - tests/exported-symbols.txt >"$work/callable"
while read -r name; do
	page=man3/$name.3
	other=$(sed -n '1s/^\.so //p' "$work/man/$page")
	sed -n '/^\.SH EXAMPLES$/,/^\.SH SEE/p' "$work/man/${other:-$page}" |
		grep -q '^\.nf' || fail "$name(3) has no EXAMPLES"
done <"$work/callable"
for file in examples/*.c; do
	name=$(basename "$file" .c)
	grep -qw "$name" examples/CMakeLists.txt || fail "$file is not built"
done
echo "$(wc -l <"$work/callable") functions and macros have an example"

# ---- rendered ----

if command -v groff >/dev/null; then
	# From there, for a page that is another's name includes it.
	(cd "$work/man" && groff -man -ww -z -Tutf8 man?/*) \
		>"$work/said" 2>&1 || fail "groff fails"
	[ ! -s "$work/said" ] || fail "groff: $(head -5 "$work/said")"
	(cd "$work/man" && groff -man -Tutf8 man3/go_spawn.3) >"$work/page"
	grep -q 'int go_spawn(go_fn \*fn, void \*arg);' "$work/page" ||
		fail "go_spawn(3) does not show go_spawn()"
else
	echo "groff: skipped, not installed"
fi
if command -v mandoc >/dev/null; then
	(cd "$work/man" && mandoc -Tlint -Wwarning man?/*) >"$work/said" 2>&1
	grep -Ev 'missing date|so is fragile' "$work/said" >"$work/left"
	[ ! -s "$work/left" ] || fail "mandoc: $(head -5 "$work/left")"
else
	echo "mandoc: skipped, not installed"
fi

# ---- the same by every awk ----

for by in mawk gawk original-awk "busybox awk"; do
	if ! command -v "${by%% *}" >/dev/null; then
		echo "$by: skipped, not installed"
		continue
	fi
	rm -rf "$work/other"
	# shellcheck disable=SC2046
	make "$by" "$work/other" $(sources) || fail "$by: complains"
	diff -r "$work/man" "$work/other" >"$work/diff" ||
		fail "$by makes others: $(head -5 "$work/diff")"
done

# ---- what is wrong is seen ----

cat >"$work/wrong.h" <<-'END'
	/* SPDX-License-Identifier: MIT */
	/* A header. */
	#ifndef GOFER_WRONG_H
	#define GOFER_WRONG_H

	#define GO_LONELY 1

	GO_API int go_mute(void);

	/*
	 * Returns  0.
	 * Context  any.
	 * Parks    never.
	 */
	GO_API int go_terse(void);

	#endif
END
make "$awk" "$work/wrong" "$work/wrong.h" >"$work/said" &&
	fail "the generator takes anything"
for name in GO_LONELY go_mute go_terse; do
	grep -q "$name" "$work/said" || fail "nothing is said of $name"
done

# A function is used where it is called, or a macro that calls it; not where a
# comment or a string has its name.  Of a long program the page shows what uses
# it.
cat >"$work/pairs.h" <<-'END'
	/* SPDX-License-Identifier: MIT */
	/* A header. */
	#ifndef GOFER_PAIRS_H
	#define GOFER_PAIRS_H

	/*
	 * Do one thing, or the other one.
	 *
	 * Returns  0.
	 * Context  any.
	 * Parks    never.
	 */
	GO_API int go_used(void);
	GO_API int go_told(void);

	/*
	 * Do a third one.
	 *
	 * Returns  0.
	 * Context  any.
	 * Parks    never.
	 */
	GO_API int go_inside(int n);

	/* Do that twice. */
	#define GO_OUTSIDE(n) go_inside(2 * (n))

	/* Do nothing. */
	#define GO_FORGOTTEN(n) ((void)(n))

	#endif
END
cat >"$work/pairs.c" <<-'END'
	/* go_told() */
	#include <gofer.h>
	/*
	 * "go_told()
	 */
	int r = go_used(); /* not go_told() */ int q = GO_OUTSIDE(1);
	const char *s = "\"go_told()", c = '"'; /* go_told()
	go_told() */
END
make "$awk" "$work/wrong" "$work/pairs.h" "$work/pairs.c" >"$work/said" &&
	fail "the generator wants no examples"
sed 's/.*: //' "$work/said" >"$work/short"
printf '%s is in no example\n' go_told GO_FORGOTTEN | diff - "$work/short" ||
	fail "the generator complains of something else"
$awk 'BEGIN {
	print "#include <gofer.h>\n\nstatic int r;\n"
	print "/* Not this. */\nint f(void)\n{\n\treturn 0;\n}\n"
	print "/* This. */\nint g(void)\n{\n\n\treturn go_used();\n}"
	for (i = 0; i < 100; i++)
		print "/* A long one. */"
}' >"$work/long.c"
make "$awk" "$work/wrong" "$work/pairs.h" "$work/long.c" >"$work/said"
sed -n '/^\.SH EXAMPLES$/,/^\.SH SEE/p' "$work/wrong/man3/go_used.3" |
	grep -v '^\.' | sed 1d >"$work/shown"
printf '%s\n' '/* This. */' 'int g(void)' '{' '' \
	'        return go_used();' '}' | diff - "$work/shown" ||
	fail "the generator shows something else"
exit $result
