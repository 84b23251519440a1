# SPDX-License-Identifier: MIT
#
# cmake --install: the headers, libgofer.a, libgofer.so, and what finds them
# from where it lies, so that an installed tree may be moved: gofer.pc for
# pkg-config, gofer-config.cmake for CMake.

include(CMakePackageConfigHelpers)

set(targets gofer)
if(TARGET gofer_shared)
	list(APPEND targets gofer_shared)
endif()
# Development files apart from what programs need to run (see cmake/pack.cmake).
install(TARGETS ${targets} EXPORT gofer-targets
	ARCHIVE COMPONENT dev
	LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
	INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/ TYPE INCLUDE COMPONENT dev
	FILES_MATCHING PATTERN "*.h")

set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH GOFER_PC_PREFIX /prefix/${pc_dir} /prefix)
string(REGEX REPLACE "/$" "" GOFER_PC_PREFIX "${GOFER_PC_PREFIX}")
configure_file(cmake/gofer.pc.in gofer.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gofer.pc DESTINATION ${pc_dir}
	COMPONENT dev)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gofer)
configure_package_config_file(cmake/gofer-config.cmake.in gofer-config.cmake
	INSTALL_DESTINATION ${config_dir})
# Until 1.0, another minor version is another library.
write_basic_package_version_file(
	${PROJECT_BINARY_DIR}/gofer-config-version.cmake
	COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gofer-config.cmake
	${PROJECT_BINARY_DIR}/gofer-config-version.cmake
	DESTINATION ${config_dir} COMPONENT dev)
include(cmake/man.cmake)
install(EXPORT gofer-targets NAMESPACE gofer:: DESTINATION ${config_dir}
	COMPONENT dev)
include(cmake/pack.cmake)
