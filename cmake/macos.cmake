# SPDX-License-Identifier: MIT
#
# Toolchain file: macOS from anywhere, by "zig cc", which brings Apple's headers
# and the stubs of its libraries.  -DGOFER_MACOS=aarch64 or x86_64; zig is taken
# from PATH, or from the environment's GOFER_ZIG.

set(GOFER_MACOS aarch64 CACHE STRING "The processor: aarch64 or x86_64")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GOFER_MACOS)
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR ${GOFER_MACOS})
find_program(GOFER_ZIG NAMES $ENV{GOFER_ZIG} zig REQUIRED)

foreach(language IN ITEMS C ASM)
	set(CMAKE_${language}_COMPILER ${GOFER_ZIG})
	set(CMAKE_${language}_COMPILER_ARG1
		"cc -target ${GOFER_MACOS}-macos.11.0")
	set(CMAKE_${language}_ARCHIVE_CREATE
		"${GOFER_ZIG} ar qc <TARGET> <OBJECTS>")
	set(CMAKE_${language}_ARCHIVE_APPEND
		"${GOFER_ZIG} ar q <TARGET> <OBJECTS>")
	set(CMAKE_${language}_ARCHIVE_FINISH "${GOFER_ZIG} ranlib <TARGET>")
endforeach()

set(CMAKE_ASM_COMPILER_ID Clang)

# There is no SDK to look for, and only the linker's name to give.
set(CMAKE_OSX_SYSROOT "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "")
set(CMAKE_INSTALL_NAME_TOOL true)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
