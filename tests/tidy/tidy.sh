#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The checks that keep the house style, run by ctest on every build.
#
#	tidy.sh ROOT all|CHECK... [OBJECTS LIBRARY]
#
# ROOT is the source tree.  OBJECTS is the folder with the library's object
# files by layer (arch/, sched/ ...) and LIBRARY the archive; `calls` and
# `symbols` read them.  Prints file:line: what is wrong, and exits 1 if
# anything is, 77 if a check was skipped because its tool is missing.
set -u
export LC_ALL=C # Ranges in patterns are of bytes.

root=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
checks=
while [ $# -gt 0 ]; do
	case $1 in
	/*) break ;;
	*) checks="$checks $1"; shift ;;
	esac
done
objects=${1:-}
library=${2:-}
[ "$checks" = " all" ] &&
	checks="lines contracts tested quotes calls symbols format"
cd "$root" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
result=0
skipped=

fail()
{
	echo "$*"
	result=1
}

# Source files of ours: code, scripts and build files; not data or prose.
sources()
{
	find . -path ./.git -prune -o -path './build*' -prune -o \
		-type f \( -name '*.[chS]' -o -name '*.cmake' -o -name '*.py' \
		-o -name '*.sh' -o -name '*.awk' -o -name CMakeLists.txt \
		-o -path './tools/*' -o -path './.ci/*' \) \
		! -name '*.md' ! -name '*.txt' -print | sort
}

check_lines()
{
	sources | xargs -r awk -f "$here/lines.awk" || result=1
}

functions()
{
	find ./include -name '*.h' 2>/dev/null | sort |
		xargs -r awk -f "$here/contracts.awk"
}

# Each public function says what it returns, where it may be called, and
# whether it parks.
check_contracts()
{
	functions | awk '$1 != "macro" && !$3 {
		printf "%s: %s: its comment lacks Returns, Context or Parks\n",
			$1, $2
		bad = 1
	} END { exit bad }' || result=1
}

# Each public function occurs in a test, by itself or through a public macro.
check_tested()
{
	functions >"$work/functions"
	find tests -name '*.c' -o -name '*.cc' | xargs -r cat |
		tr -c 'A-Za-z0-9_' '\n' | sort -u >"$work/words"
	awk 'FILENAME ~ /words$/ { word[$1] = 1; next }
	$1 == "macro" { if ($2 in word) word[$3] = 1; next }
	{ where[$2] = $1 }
	END {
		for (f in where) {
			if (f in word)
				continue
			printf "%s: %s occurs in no test\n", where[f], f
			bad = 1
		}
		exit bad
	}' "$work/words" "$work/functions" || result=1
}

# What headers and documents show is quoted from programs that are run.
check_quotes()
{
	find ./examples -name '*.c' -o -name '*.cc' >"$work/quotes"
	find ./include -name '*.h' >>"$work/quotes"
	find . -path './build*' -prune -o -name '*.md' -print |
		sort >>"$work/quotes"
	xargs -r awk -f "$here/quotes.awk" <"$work/quotes" || result=1
}

# Calls go downward: no object refers to a symbol that a layer beside or above
# its own defines.  What src/sched/poller.h declares is the one seam.
check_calls()
{
	for layer in arch sched sync io select observe; do
		[ -d "$objects/$layer" ] || continue
		find "$objects/$layer" -name '*.o' | xargs -r nm -A |
			awk -v layer=$layer \
				'{ print layer, $(NF - 1), $NF, $1 }'
	done >"$work/nm"
	seam=src/sched/poller.h
	[ -f $seam ] || seam=/dev/null
	tr -c 'A-Za-z0-9_' '\n' <$seam | grep '^go__poller' >"$work/seam"
	awk 'BEGIN {
		rank["arch"] = 1; rank["sched"] = 2
		rank["sync"] = rank["io"] = 3; rank["select"] = 4
		rank["observe"] = 5
	}
	FILENAME ~ /seam$/ { seam[$1] = 1; next }
	$2 ~ /^[TDBRVWuCG]$/ { home[$3] = $1; next }
	$2 == "U" { n++; user[n] = $1; name[n] = $3; object[n] = $4 }
	END {
		for (i = 1; i <= n; i++) {
			h = home[name[i]]
			if (h == "" || h == user[i] || rank[h] < rank[user[i]])
				continue
			if (user[i] == "sched" && name[i] in seam)
				continue
			printf "%s src/%s uses %s of %s: upward\n", object[i],
				user[i], name[i], h
			bad = 1
		}
		exit bad
	}' "$work/seam" "$work/nm" || result=1
}

# What the library exports is a decision, not an accident.
check_symbols()
{
	readelf -sW "$library" | awk '($5 == "GLOBAL" || $5 == "WEAK") &&
		$6 == "DEFAULT" && $7 != "UND" { print $8 }' |
		LC_ALL=C sort -u >"$work/exported"
	LC_ALL=C sort -u tests/exported-symbols.txt >"$work/expected"
	grep -Ev '^(go|fiber)_[a-z0-9]' "$work/exported" |
		sed 's/$/: exported, but its name is not public/' >"$work/names"
	[ -s "$work/names" ] && fail "$(cat "$work/names")"
	diff "$work/expected" "$work/exported" >"$work/diff" && return
	sed -n 's/^> \(.*\)/tests\/exported-symbols.txt: \1 is missing/p
	s/^< \(.*\)/tests\/exported-symbols.txt: \1 is not exported/p' \
		"$work/diff"
	result=1
}

check_format()
{
	tool=$(command -v clang-format-14) || {
		skipped="format: skipped, clang-format-14 is not installed"
		return
	}
	sources | grep '\.[ch]$' |
		xargs -r "$tool" --dry-run -Werror 2>"$work/format" && return
	grep -E 'error:' "$work/format" | sed 's/^\.\///'
	result=1
}

for check in $checks; do
	echo "== $check"
	check_$check
done
[ -z "$skipped" ] || echo "$skipped"
[ $result -eq 0 ] && [ -n "$skipped" ] && exit 77
exit $result
