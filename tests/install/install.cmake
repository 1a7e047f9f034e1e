# tests/install/install.cmake: installs the built tree, then builds and runs a foreign project with it.
# Run: cmake -D BUILD=<build tree> -D ROOT=<repository> -D COMPILER=<c++> -D WORK=<scratch> -P install.cmake
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
set(prefix ${WORK}/prefix)
set(tree ${WORK}/build)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
file(COPY ${ROOT}/tests/install/foreign DESTINATION ${WORK})
run(${CMAKE_COMMAND} -S ${WORK}/foreign -B ${tree} -G Ninja -D CMAKE_CXX_COMPILER=${COMPILER}
  -D CMAKE_BUILD_TYPE=RelWithDebInfo -D CMAKE_PREFIX_PATH=${prefix} -D SLUICE_PREFIX=${prefix})
run(${CMAKE_COMMAND} --build ${tree})

# Not one header may come from the source tree.
execute_process(COMMAND ninja -C ${tree} -t deps OUTPUT_VARIABLE deps COMMAND_ERROR_IS_FATAL ANY)
if(NOT deps MATCHES "${prefix}/include/sluice/")
  message(FATAL_ERROR "install: the foreign program was not compiled with the installed headers")
endif()
if(deps MATCHES "${ROOT}/(framework|stages|pipelines)/[^\n]*")
  message(FATAL_ERROR "install: the foreign program saw ${CMAKE_MATCH_0}")
endif()

file(STRINGS ${WORK}/foreign/main.cpp arguments REGEX "^// run: ")
file(STRINGS ${WORK}/foreign/main.cpp expected REGEX "^// prints: ")
string(REPLACE "// run: " "" arguments "${arguments}")
string(REPLACE "// prints: " "" expected "${expected}")
separate_arguments(arguments)
execute_process(COMMAND ${tree}/foreign ${arguments} OUTPUT_VARIABLE output
  COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "install: the foreign program printed '${output}', not '${expected}'")
endif()

# What there is to read: the report's members, the ready-made stages.
foreach(page README.md framework/README.md stages/README.md pipelines/README.md LICENSE)
  file(GLOB found ${prefix}/share/doc/*/${page})
  if(NOT found)
    message(FATAL_ERROR "install: ${page} is not among the installed documents")
  endif()
endforeach()

# The installed command, when it was built.
if(EXISTS ${prefix}/bin/sluice)
  run(${prefix}/bin/sluice list)
endif()
message(STATUS "install: the foreign program printed '${output}'")
