#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What documents say about other files is true, and the programs in them work.
#
#	docs.sh ROOT links|evidence|builds|programs... [LIBRARY CC...]
#
# links     every relative link of a document leads to a file, and behind a # to
#           a heading of it; every path named in a document or in a comment of
#           a public header is there
# evidence  every test and model that a document names exists, every model has
#           a mutation, and no guarantee of docs/guarantees.md is without any
# builds    what is shown as CMake stands in a file that a test uses
# programs  every whole program is compiled, with warnings as errors, and where
#           its output stands behind it, run.  LIBRARY is the static library.
#
# Prints file:line: what is wrong, and exits 1 if anything is.
set -u

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
library=${1:-}
[ $# -gt 0 ] && shift
cd "$root" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
result=0
tab=$(printf '\t')

fail()
{
	echo "$*"
	result=1
}

documents()
{
	find . -path ./.git -prune -o -path './build*' -prune -o \
		-name '*.md' -print | sed 's/^\.\///' | sort
}

# Where a path may begin: at the root, at src, at include, beside the document.
there()
{
	for base in . src include tests "$(dirname "$1")"; do
		[ -e "$base/$2" ] && return 0
	done
	return 1
}

check_links()
{
	{
		documents
		find include -name '*.h' 2>/dev/null | sort
	} | xargs awk -f "$here/links.awk" >"$work/all"
	grep "^anchor$tab" "$work/all" >"$work/anchors"
	grep -c "^link$tab" "$work/all" >"$work/count"
	[ "$(cat "$work/count")" -gt 0 ] ||
		fail "no links found: the check is broken"
	grep -v "^anchor$tab" "$work/all" >"$work/references"
	while IFS=$tab read -r kind file line target; do
		if [ "$kind" = path ]; then
			there "$file" "$target" ||
				fail "$file:$line: there is no $target"
			continue
		fi
		path=${target%%#*}
		name=${target#"$path"}
		if [ -z "$path" ]; then
			path=$file
		else
			path=$(dirname "$file")/$path
		fi
		[ -e "$path" ] || {
			fail "$file:$line: broken link $target"
			continue
		}
		[ -z "$name" ] && continue
		path=$(realpath --relative-to=. "$path")
		grep -qxF "anchor$tab$path$tab${name#\#}" "$work/anchors" ||
			fail "$file:$line: no heading $name in $path"
	done <"$work/references"
}

# `folder/test_x: case`, `folder/test_x`, `model_x`; a guarantee begins with a
# heading of the third level of docs/guarantees.md.
check_evidence()
{
	# shellcheck disable=SC2046
	awk 'function close_guarantee() {
		if (heading && !named)
			print begin "\tnothing\t" heading
		heading = ""
	}
	BEGIN { pattern = "`([a-z]+/test|model)_[a-z0-9_]+(: [a-z0-9_]+)?`" }
	{ here = FILENAME "\t" FNR }
	FNR == 1 || /^##/ { close_guarantee() }
	/^### / && FILENAME == "docs/guarantees.md" {
		heading = $0
		begin = here
		named = 0
	}
	{
		rest = $0
		while (match(rest, pattern)) {
			name = substr(rest, RSTART + 1, RLENGTH - 2)
			rest = substr(rest, RSTART + RLENGTH)
			sub(/: /, "\t", name)
			print here "\t" name
			named = 1
		}
	}
	END { close_guarantee() }
	' $(documents) >"$work/named"
	[ -s "$work/named" ] || fail "no test is named: the check is broken"
	while IFS=$tab read -r file line program name; do
		case $program in
		nothing)
			fail "$file:$line: no test shows: $name"
			continue
			;;
		model_*)
			source=tests/model/$program.c
			grep -qx "model ${program#model_}" \
				tests/model/mutations.txt ||
				fail "$file:$line: no mutation of $program"
			;;
		*)
			source=tests/$program.c
			[ -f "$source" ] || source=${source}c
			;;
		esac
		[ -f "$source" ] || {
			fail "$file:$line: there is no $source"
			continue
		}
		[ -z "$name" ] ||
			grep -Eq "^Test\([a-z0-9_]+, $name[,)]" "$source" ||
			fail "$file:$line: $source has no case $name"
	done <"$work/named"
}

# Lines between ```cmake and ``` stand in this order, nothing between them, in a
# CMakeLists.txt of tests/install.
check_builds()
{
	# shellcheck disable=SC2046
	awk 'function trimmed(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
	function look(    f, i, j) {
		for (f = 1; f <= files; f++)
			for (i = 1; i + n - 1 <= lines[f]; i++) {
				for (j = 1; j <= n; j++)
					if (text[f, i + j - 1] != piece[j])
						break
				if (j > n)
					return
			}
		printf "%s:%d: no test builds this\n", FILENAME, begin
		bad = 1
	}
	FNR == 1 && FILENAME !~ /\.md$/ { files++ }
	FILENAME !~ /\.md$/ {
		if (trimmed($0) != "")
			text[files, ++lines[files]] = trimmed($0)
		next
	}
	/^```cmake$/ { inside = 1; n = 0; begin = FNR; next }
	/^```/ { if (inside) look(); inside = 0; next }
	inside && trimmed($0) != "" { piece[++n] = trimmed($0) }
	END { exit bad }' $(find tests/install -name CMakeLists.txt | sort) \
		$(documents) || result=1
}

# compile SOURCE PROGRAM NAME CC...: with the library of that name.
compile()
{
	source=$1
	program=$2
	name=$3
	shift 3
	case $name in
	gofer) set -- "$@" -I"$root/include" "$source" "$library" -pthread ;;
	pthreads) set -- "$@" "$source" -pthread ;;
	*)
		# shellcheck disable=SC2046
		set -- "$@" $(pkg-config --cflags "$name") "$source" \
			$(pkg-config --libs "$name")
		;;
	esac
	"$@" -Wall -Wextra -Werror -O1 -o "$program"
}

check_programs()
{
	# shellcheck disable=SC2046
	awk -v work="$work" -f "$here/programs.awk" $(documents) >"$work/list"
	[ -s "$work/list" ] || fail "no programs found: the check is broken"
	while read -r n where name; do
		case $name in
		gofer | pthreads) ;;
		*)
			pkg-config --exists "$name" || {
				echo "$where: skipped, no $name"
				continue
			}
			;;
		esac
		compile "$work/$n.c" "$work/$n" "$name" "$@" || {
			fail "$where: this does not compile"
			continue
		}
		[ -f "$work/$n.text" ] || continue
		timeout 60 "$work/$n" >"$work/printed" </dev/null ||
			fail "$where: this fails when it is run"
		diff "$work/$n.text" "$work/printed" ||
			fail "$where: this prints something else"
	done <"$work/list"
	wc -l <"$work/list" | sed 's/ *$/ programs/'
}

for check in $checks; do
	echo "== $check"
	check_$check "$@"
done
exit $result
