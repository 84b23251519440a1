#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs into an empty prefix, moves it, and uses what is there the way a
# stranger does: a program through pkg-config as strict C11, every public header
# by itself as C11 and as C++17.
#
#	install.sh CMAKE BUILD CC [CXX]
set -eu

cmake=$1
build=$2
cc=$3
cxx=${4:-$(command -v c++ || command -v clang++ || true)}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict="-Wall -Wextra -Wpedantic -Wundef -Wshadow -Werror"

"$cmake" --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name gofer.pc)")
export PKG_CONFIG_PATH
find "$work/moved" -type f | sed "s|$work/moved/|installed: |" | sort

# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $strict "$here/program.c" -o "$work/program" \
	$(pkg-config --cflags --libs gofer)
"$work/program" | grep -qx "hello, world"
echo "pkg-config gofer $(pkg-config --modversion gofer): the program works"

include=$(pkg-config --variable=includedir gofer)
(cd "$include" && find gofer.h gofer -name '*.h') >"$work/headers"
while read -r header; do
	# Twice: the guard has to work too.
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" \
		>"$work/header.c"
	# shellcheck disable=SC2086
	"$cc" -std=c11 $strict -Wstrict-prototypes -I"$include" \
		-fsyntax-only "$work/header.c"
	[ -n "$cxx" ] || continue
	cp "$work/header.c" "$work/header.cc"
	# shellcheck disable=SC2086
	"$cxx" -std=c++17 $strict -I"$include" -fsyntax-only "$work/header.cc"
done <"$work/headers"
echo "$(wc -l <"$work/headers") headers: each compiles by itself as C11" \
	"${cxx:+and as C++17}"
[ -n "$cxx" ] || { echo "C++17 skipped: no C++ compiler"; exit 77; }
