# Checks of the sources, run as tests with the label "check": layers and shape, headers that compile alone, layout
# (clang-format), lint (clang-tidy), shell scripts (shellcheck). A check whose tool is missing is skipped and says so.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(checks ${PROJECT_SOURCE_DIR}/cmake/checks)

# tessera_check(NAME [TIMEOUT seconds] [PROCESSORS n] COMMAND ...): one test; the command ends with 77 to be skipped.
function(tessera_check name)
  cmake_parse_arguments(arg "" "TIMEOUT;PROCESSORS" "COMMAND" ${ARGN})
  add_test(NAME check.${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(check.${name} PROPERTIES LABELS check SKIP_RETURN_CODE 77
    ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
  if(arg_TIMEOUT)
    set_tests_properties(check.${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
  endif()
  if(arg_PROCESSORS)
    set_tests_properties(check.${name} PROPERTIES PROCESSORS ${arg_PROCESSORS})
  endif()
endfunction()

# tessera_skipped_check(NAME PACKAGE): the test that says which package it would need.
function(tessera_skipped_check name package)
  tessera_check(${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: install ${package}")
  set_tests_properties(check.${name} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: install")
endfunction()

tessera_check(layers COMMAND Python3::Interpreter ${checks}/check_layers.py ${PROJECT_SOURCE_DIR})
tessera_check(layers_finds_faults COMMAND Python3::Interpreter ${checks}/check_layers_test.py)
tessera_check(format COMMAND bash jobs/format.sh --check)

find_program(CLANG_TIDY NAMES clang-tidy-14)
if(CLANG_TIDY)
  tessera_check(tidy TIMEOUT 1800 PROCESSORS 2 COMMAND Python3::Interpreter ${checks}/run_clang_tidy.py --newest
    --tool ${CLANG_TIDY} --build ${CMAKE_BINARY_DIR} --source ${PROJECT_SOURCE_DIR} --jobs 2)
else()
  tessera_skipped_check(tidy clang-tidy-14)
endif()

find_program(SHELLCHECK NAMES shellcheck)
file(GLOB scripts CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/jobs/*.sh ${PROJECT_SOURCE_DIR}/jobs/*/*.sh
  ${PROJECT_SOURCE_DIR}/slurm/*.sbatch ${PROJECT_SOURCE_DIR}/slurm/machines/*.sh ${PROJECT_SOURCE_DIR}/.ci/run)
if(SHELLCHECK)
  tessera_check(shell COMMAND ${SHELLCHECK} --external-sources --severity=style ${scripts})
else()
  tessera_skipped_check(shell shellcheck)
endif()

# Every public header in a file of its own: what it uses, it includes. One library a module, with what that module's
# users get and nothing more. Headers that a source file of the module includes before all others need no other proof.
if(TESSERA_HEADER_CHECK)
  set(proven "")
  file(GLOB_RECURSE all_sources ${PROJECT_SOURCE_DIR}/src/*.cpp)
  foreach(source ${all_sources})
    file(STRINGS ${source} first REGEX "^#include" LIMIT_COUNT 1)
    if(first MATCHES "\"(tessera/[^\"]+)\"")
      list(APPEND proven ${CMAKE_MATCH_1})
    endif()
  endforeach()
  get_property(modules GLOBAL PROPERTY TESSERA_MODULES)
  get_property(headers GLOBAL PROPERTY TESSERA_HEADERS)
  add_custom_target(header_check)
  foreach(module ${modules})
    set(module_sources "")
    foreach(header ${headers})
      file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR}/include ${header})
      if(name MATCHES "^tessera/${module}/" AND NOT name IN_LIST proven)
        string(REGEX REPLACE "\\.hpp$" ".cpp" source ${CMAKE_BINARY_DIR}/header_check/${name})
        file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${name}\"\n")
        list(APPEND module_sources ${source})
      endif()
    endforeach()
    if(module_sources)
      add_library(header_check_${module} OBJECT ${module_sources})
      target_link_libraries(header_check_${module} PRIVATE tessera::${module} tessera_flags)
      target_compile_options(header_check_${module} PRIVATE -O0)
      add_dependencies(header_check header_check_${module})
    endif()
  endforeach()
  tessera_check(headers TIMEOUT 1800 COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target header_check)
endif()
