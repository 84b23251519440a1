#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs into an empty prefix, moves it, and uses what is there the way a
# stranger does: a program through pkg-config as strict C11, with the static
# library and the shared one; every public header by itself as C11 and as C++17;
# the echo server by pkg-config; by find_package() and add_subdirectory(), as C
# and as C++; and by FetchContent; a program from Debian packages.  Manual pages
# are there.  What the shared library exports is compared with the list.
#
#	install.sh CMAKE BUILD CC [CXX]
set -eu

cmake=$1
build=$2
cc=$3
cxx=${4:-$(command -v c++ || command -v clang++ || true)}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The library is built several times over.
command -v ccache >/dev/null && export CMAKE_C_COMPILER_LAUNCHER=ccache
strict="-Wall -Wextra -Wpedantic -Wundef -Wshadow -Werror"

"$cmake" --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name gofer.pc)")
export PKG_CONFIG_PATH
find "$work/moved" -type f ! -path '*/man/*' |
	sed "s|$work/moved/|installed: |" | sort
man=$work/moved/share/man
if [ -d "$man" ]; then
	grep -q 'go_spawn' "$man/man3/go_spawn.3"
	grep -q 'gofer_task' "$man/man7/gofer.7"
	echo "installed: $(find "$man" -type f | wc -l) manual pages"
else
	command -v awk >/dev/null && { echo "no manual pages"; exit 1; }
fi

# It ends with 0 when it is told to, which timeout does twice if not in the
# foreground: the second time may find the handler gone.  A busy machine may
# take longer than the first limit until the handler is there.
serves()
{
	for limit in 0.5 5; do
		timeout --foreground --preserve-status $limit "$1" \
			127.0.0.1:0 >"$work/out" 2>&1 && return
	done
	cat "$work/out"
	echo "$1 does not end well"
	exit 1
}

# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $strict "$here/program.c" -o "$work/program" \
	$(pkg-config --cflags --libs gofer)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir gofer)
export LD_LIBRARY_PATH
"$work/program" | grep -qx "hello, world"
# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $strict "$here/program.c" -o "$work/static" -static \
	$(pkg-config --static --cflags --libs gofer)
"$work/static" | grep -qx "hello, world"
# shellcheck disable=SC2046
"$cc" "$root/examples/echo_server.c" -o "$work/echo_server" \
	$(pkg-config --cflags --libs gofer)
serves "$work/echo_server"
echo "pkg-config gofer $(pkg-config --modversion gofer):" \
	"the programs work, the echo server ends well"

library=$LD_LIBRARY_PATH/libgofer.so
[ -e "$library" ]
nm -D --defined-only "$library" | sed -n 's/.* T \([^@]*\)@@.*/\1/p' |
	LC_ALL=C sort >"$work/exported"
LC_ALL=C sort "$root/tests/exported-symbols.txt" | diff - "$work/exported"
echo "$(wc -l <"$work/exported") versioned symbols: as in exported-symbols.txt"

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

# A package for Debian, where its tools are.
if command -v dpkg-shlibdeps >/dev/null; then
	"$cmake" -S "$root" -B "$work/deb" -DCMAKE_INSTALL_PREFIX=/usr \
		-DGOFER_TESTS=OFF -DGOFER_EXTRAS=OFF -DCMAKE_C_COMPILER="$cc" \
		>"$work/log" &&
		"$cmake" --build "$work/deb" -j 2 >>"$work/log" 2>&1 &&
		(cd "$work/deb" && cpack -G DEB) >>"$work/log" 2>&1 || {
		cat "$work/log"
		exit 1
	}
	for deb in "$work"/deb/*.deb; do
		dpkg-deb -x "$deb" "$work/root"
		echo "package: $(basename "$deb"), needs" \
			"$(dpkg-deb -f "$deb" Depends)"
	done
	man=$work/root/usr/share/man
	gzip -dc "$man/man3/go_spawn.3.gz" | grep -q 'go_spawn'
	[ -z "$(find "$man" -type f ! -name '*.gz')" ]
	echo "package: $(find "$man" -type f | wc -l) manual pages, compressed"
	libdir=$(dirname "$(find "$work/root/usr/lib" -name libgofer.a)")
	"$cc" -I"$work/root/usr/include" "$here/program.c" \
		-o "$work/packaged" -L"$libdir" -lgofer -pthread
	LD_LIBRARY_PATH=$libdir "$work/packaged" | grep -qx "hello, world"
else
	echo "package skipped: no dpkg-dev"
fi

for how in package subdirectory; do
	[ -n "$cxx" ] || continue
	"$cmake" -S "$here/consumer" -B "$work/$how" -DHOW=$how \
		-DGOFER="$root" -DSERVER="$root/examples/echo_server.c" \
		-DCMAKE_PREFIX_PATH="$work/moved" \
		-DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
		>"$work/log" 2>&1 &&
		"$cmake" --build "$work/$how" -j 2 >>"$work/log" 2>&1 || {
		cat "$work/log"
		exit 1
	}
	for server in "$work/$how"/server "$work/$how"/server_*; do
		serves "$server"
	done
	echo "$how: $(cd "$work/$how" && echo server server_*) end well"
done

# What docs/getting-started.md shows, with its server.
cp -r "$here/started" "$work/started"
awk '/^```c gofer$/ { code = ""; inside = 1; next }
	/^```/ { if (inside && code ~ /accept_all/) printf "%s", code
		inside = 0; next }
	inside { code = code $0 "\n" }' \
	"$root/docs/getting-started.md" >"$work/started/upper.c"
"$cmake" -S "$work/started" -B "$work/started/build" \
	-DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_C_COMPILER="$cc" \
	-DCMAKE_C_FLAGS="-Wall -Wextra -Werror" >"$work/log" 2>&1 &&
	"$cmake" --build "$work/started/build" >>"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
echo "getting-started: its server builds"

# Fetched, it gives the library only, and installs nothing.
"$cmake" -S "$here/fetched" -B "$work/fetched" -DGOFER="$root" \
	-DSERVER="$root/examples/echo_server.c" -DCMAKE_C_COMPILER="$cc" \
	>"$work/log" 2>&1 &&
	"$cmake" --build "$work/fetched" -j 2 >>"$work/log" 2>&1 &&
	"$cmake" --install "$work/fetched" --prefix "$work/nothing" \
		>>"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
[ ! -e "$work/nothing" ]
serves "$work/fetched/server"
echo "fetched: the server ends well, and nothing else has come along"

[ -n "$cxx" ] || { echo "C++17 skipped: no C++ compiler"; exit 77; }
