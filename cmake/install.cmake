# SPDX-License-Identifier: MIT
#
# cmake --install: the headers, libgofer.a, and a gofer.pc that finds them from
# where it lies, so that an installed tree may be moved.

install(TARGETS gofer ARCHIVE)
install(DIRECTORY include/ TYPE INCLUDE FILES_MATCHING PATTERN "*.h")

set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH GOFER_PC_PREFIX /prefix/${pc_dir} /prefix)
string(REGEX REPLACE "/$" "" GOFER_PC_PREFIX "${GOFER_PC_PREFIX}")
configure_file(cmake/gofer.pc.in gofer.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gofer.pc DESTINATION ${pc_dir})
