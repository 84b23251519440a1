#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Manual pages are complete, and render.
#
#	man.sh ROOT BUILD AWK VERSION
#
# Every exported function, every macro and type of the headers has a page; groff
# and mandoc, where they are installed, have nothing to say against any; and
# every awk at hand makes the same pages.  Then that the generator refuses what
# lacks a comment.
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
	$by -v out="$to" -v version="$version" -f tools/manpages.awk "$@"
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
exit $result
