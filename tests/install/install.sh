#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs into an empty prefix, moves it, and uses what is there the way a
# stranger does: a program through pkg-config as strict C11, with the static
# library and the shared one; every public header by itself as C11 and as C++17;
# an echo server, as C and as C++, by pkg-config, by find_package() and by
# add_subdirectory(); as C by FetchContent; each of them serves a client.  A
# program from Debian packages.  Manual pages are there.  The soname, and what
# the shared library exports, are as they should be.
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

# Each echo server is started, and has to give a byte back.
# shellcheck disable=SC2086
"$cc" $strict "$here/echoes.c" -o "$work/echoes"

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
"$work/echoes" "$work/echo_server"
if [ -n "$cxx" ]; then
	# shellcheck disable=SC2046,SC2086
	"$cxx" -std=c++17 $strict "$here/consumer/server.cc" \
		-o "$work/server_cxx" $(pkg-config --cflags --libs gofer)
	"$work/echoes" "$work/server_cxx"
fi
version=$(pkg-config --modversion gofer)
echo "pkg-config gofer $version: the programs work, the echo server serves" \
	"${cxx:+(as C++17, too)}"

# Whoever is linked with libgofer.so asks for this name when he is started.
library=$LD_LIBRARY_PATH/libgofer.so
soname=libgofer.so.${version%.*}
[ "$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" = \
	"$soname" ] || { echo "the soname is not $soname"; exit 1; }
[ -e "$LD_LIBRARY_PATH/$soname" ]
# All that it defines for others, and the node of the version script itself.
node=GOFER_${version%.*}
readelf --dyn-syms -W "$library" | LC_ALL=C sort >"$work/dynamic"
awk '$1 ~ /^[0-9]+:$/ && $5 != "LOCAL" && $7 != "UND" && $7 != "ABS" {
		print $4, $5, $6, $8 }' "$work/dynamic" |
	LC_ALL=C sort >"$work/exported"
sed "s/.*/FUNC GLOBAL DEFAULT &@@$node/" "$root/tests/exported-symbols.txt" |
	LC_ALL=C sort | diff - "$work/exported"
[ "$(awk '$7 == "ABS" { print $8 }' "$work/dynamic")" = "$node" ]
echo "$soname: $(wc -l <"$work/exported") symbols, all of $node, as in" \
	"exported-symbols.txt"

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
		"$work/echoes" "$server"
	done
	echo "$how: $(cd "$work/$how" && echo server server_*) serve"
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
"$work/echoes" "$work/fetched/server"
echo "fetched: the server serves, and nothing else has come along"

[ -n "$cxx" ] || { echo "C++17 skipped: no C++ compiler"; exit 77; }
