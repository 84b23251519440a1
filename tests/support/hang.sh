#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A case that hangs fails, and says what its tasks wait for.
#
#	hang.sh COMMAND...
set -u

output=$("$@" 2>&1) && { echo "it has passed: $output"; exit 1; }
case $output in
*"hang.c:"*": waiting for time to pass"*) ;;
*) echo "no task in the dump: $output"; exit 1 ;;
esac
