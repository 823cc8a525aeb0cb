# Installs BUILD into WORK/prefix, then configures, builds and runs the outside project SOURCE against that alone.
file(REMOVE_RECURSE ${WORK})
if(SANITIZE)  # the libraries call the sanitizers' run time
  set(link_flags -DCMAKE_EXE_LINKER_FLAGS=-fsanitize=${SANITIZE})
endif()
foreach(step install configure build run)
  set(install ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  set(configure ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${COMPILER}
    ${link_flags} -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
  set(build ${CMAKE_COMMAND} --build ${WORK}/build)
  set(run ${WORK}/build/outside)
  execute_process(COMMAND ${${step}} OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${step} failed (${result}):\n${said}")
  endif()
endforeach()
message(STATUS "the outside project says: ${said}")
