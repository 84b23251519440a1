#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Writes the amalgamation and uses it as a stranger does who keeps it among his
# own sources: without a warning; the echo server by one command; a C++17
# program; a shared library, which exports what libgofer.so does.  Now that all
# is one unit, compilers see more at once: tlslint looks at it again.
#
#	amalgamation.sh ROOT CC TLSLINT [CXX]
set -eu

root=$1
cc=$2
tlslint=$3
cxx=${4:-$(command -v c++ || command -v clang++ || true)}
here=$root/tests/install
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict="-Wall -Wextra -Wpedantic -Wundef -Wshadow -Wconversion
	-Wstrict-prototypes -Wmissing-prototypes -Werror"

"$root/tools/amalgamate" "$work/gofer"
cd "$work/gofer"
wc -l gofer.c gofer.h gofer_switch.S

# shellcheck disable=SC2086
"$cc" -std=c11 -O2 -fPIC -fvisibility=hidden $strict -c gofer.c gofer_switch.S
"$tlslint" -S -c "$root/tests/lint/pointers.txt" gofer.o gofer_switch.o

# Each echo server is started, and has to give a byte back.
"$cc" -Wall -Wextra -Werror "$here/echoes.c" -o ./echoes

# At another level of optimisation, which warns of other things.
# shellcheck disable=SC2086
"$cc" -std=gnu11 -O1 $strict -I. "$root/examples/echo_server.c" gofer.c \
	gofer_switch.S -pthread -o ./server
./echoes ./server
"$cc" -shared gofer.o gofer_switch.o -pthread -Wl,-z,defs -o libvendored.so
nm -D --defined-only libvendored.so | sed -n 's/.* [A-Z] //p' |
	LC_ALL=C sort >exported
LC_ALL=C sort "$root/tests/exported-symbols.txt" | diff - exported
echo "as a shared library it exports $(wc -l <exported) symbols, as it should"

[ -n "$cxx" ] || { echo "C++17 skipped: no C++ compiler"; exit 77; }
# An object of each language, linked by the C++ compiler.
"$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror -I. \
	"$here/consumer/server.cc" gofer.o gofer_switch.o -pthread \
	-o ./server_cxx
./echoes ./server_cxx
echo "the echo server serves, as C and as C++17"
