# SPDX-License-Identifier: MIT
#
# Run by CPack on what it is about to pack: manual pages in a package of Debian
# are compressed, without a time in them, so that the same source makes the same
# package.

if(NOT CPACK_GENERATOR STREQUAL "DEB")
	return()
endif()
set(packed ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
file(GLOB_RECURSE pages "${packed}/*.3" "${packed}/*.7")
list(FILTER pages INCLUDE REGEX "/man/man[37]/")
if(pages)
	execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)
endif()
