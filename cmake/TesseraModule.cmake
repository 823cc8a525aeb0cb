# tessera_module(NAME [PUBLIC targets...] [PRIVATE targets...])
#
# One library a module: every .cpp under src/NAME, headers under include/tessera/NAME. The order of the modules is
# cmake/layers.txt; PUBLIC names what the module's headers show, PRIVATE what stays in its .cpp files.
function(tessera_module name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/tessera/${name}/*.hpp)
  if(sources)
    add_library(tessera_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(tessera_${name} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:tessera_flags>)
    set_target_properties(tessera_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  else()
    add_library(tessera_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(tessera::${name} ALIAS tessera_${name})
  set_target_properties(tessera_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(tessera_${name} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(tessera_${name} ${scope} cxx_std_20)
  target_link_libraries(tessera_${name} ${scope} ${arg_PUBLIC})
  install(TARGETS tessera_${name} EXPORT tesseraTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set_property(GLOBAL APPEND PROPERTY TESSERA_MODULES ${name})
  set_property(GLOBAL APPEND PROPERTY TESSERA_HEADERS ${headers})
endfunction()

# tessera_build_facts(SOURCE): tells this one file the version, the commit and the flags of the build.
function(tessera_build_facts source)
  execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    set(commit unknown)
  endif()
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  string(JOIN " " flags ${CMAKE_BUILD_TYPE} ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}} ${TESSERA_MARCH_FLAG} -ffp-contract=off)
  if(TESSERA_SANITIZE)
    string(APPEND flags " -fsanitize=${TESSERA_SANITIZE}")
  endif()
  set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS
    "TESSERA_VERSION=\"${PROJECT_VERSION}\"" "TESSERA_COMMIT=\"${commit}\"" "TESSERA_BUILD_FLAGS=\"${flags}\"")
endfunction()

# tessera_test_environment(RESULT): where tests find their data and the program, and how Open MPI runs on a small machine.
function(tessera_test_environment result)
  set(environment
    "TESSERA_TEST_DATA=${PROJECT_SOURCE_DIR}/tests/data" "TESSERA_SHARED=${TESSERA_SHARED}"
    "TESSERA_PROGRAM=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/tessera" "TESSERA_SOURCE=${PROJECT_SOURCE_DIR}"
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_pml=ob1 "OMPI_MCA_btl=self,vader,tcp"
    OMP_NUM_THREADS=1 OMP_PROC_BIND=false KOKKOS_DISABLE_WARNINGS=1)
  if(TESSERA_SANITIZE)  # what Open MPI keeps until exit is not ours; whole stacks, or its frames are not recognised
    set(suppressions ${PROJECT_SOURCE_DIR}/cmake/suppressions)
    list(APPEND environment "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
      ASAN_OPTIONS=fast_unwind_on_malloc=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
      "TSAN_OPTIONS=suppressions=${suppressions}/tsan.supp ignore_noninstrumented_modules=1")
  endif()
  set(${result} "${environment}" PARENT_SCOPE)
endfunction()

# tessera_test(NAME DIR [RANKS 1 2 ...] [LINK targets...] [MPI])
#
# One GoogleTest program from every *_test.cpp under DIR. Without MPI it is run once, plainly. With MPI it is run under
# mpirun once for each number in RANKS; the main of tests/support brings MPI and Kokkos up and agrees on the result.
function(tessera_test name directory)
  cmake_parse_arguments(arg "MPI" "" "RANKS;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${directory}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE tessera_test_support tessera_flags ${arg_LINK})
  if(TESSERA_PRECOMPILE)
    target_precompile_headers(${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h> <filesystem> <functional>)
    # gcc 12 no longer knows that what it inlines from these is the standard library's, and warns of it wrongly
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # what is tested is optimised; the tests compile sooner
  tessera_test_environment(environment)
  if(arg_MPI)
    foreach(ranks ${arg_RANKS})
      add_test(NAME ${name}.ranks_${ranks}
        COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${name}>)
      set_tests_properties(${name}.ranks_${ranks} PROPERTIES
        PROCESSORS ${ranks} TIMEOUT 600 ENVIRONMENT "${environment}" LABELS mpi)
    endforeach()
  else()
    add_test(NAME ${name} COMMAND $<TARGET_FILE:${name}>)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 ENVIRONMENT "${environment}" LABELS unit)
  endif()
endfunction()
