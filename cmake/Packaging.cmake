# Install rules, and the package config that outside projects find with find_package(tessera): docs/cluster.md.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tessera)
install(DIRECTORY include/tessera DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT tesseraTargets NAMESPACE tessera:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tesseraConfig.cmake.in
  ${CMAKE_BINARY_DIR}/tesseraConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a new minor version may change what a header means.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/tesseraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/FftwMpi.cmake ${CMAKE_BINARY_DIR}/tesseraConfig.cmake ${CMAKE_BINARY_DIR}/tesseraConfigVersion.cmake
  DESTINATION ${package_dir})

if(TESSERA_TESTS)
  # Installs into the build folder, then configures, builds and runs tests/install against that alone.
  add_test(NAME install.outside_project COMMAND ${CMAKE_COMMAND}
    -D BUILD=${CMAKE_BINARY_DIR} -D SOURCE=${PROJECT_SOURCE_DIR}/tests/install -D WORK=${CMAKE_BINARY_DIR}/install-test
    -D GENERATOR=${CMAKE_GENERATOR} -D C_COMPILER=${CMAKE_C_COMPILER} -D COMPILER=${CMAKE_CXX_COMPILER}
    -D SANITIZE=${TESSERA_SANITIZE}
    -P ${PROJECT_SOURCE_DIR}/cmake/checks/install_test.cmake)
  set_tests_properties(install.outside_project PROPERTIES LABELS check TIMEOUT 300
    ENVIRONMENT "OMP_NUM_THREADS=1;OMP_PROC_BIND=false;KOKKOS_DISABLE_WARNINGS=1")
endif()
