# tests/lint/format.cmake: our files as .clang-format wants them.
# Run: cmake -D ROOT=<repository> -D CLANG_FORMAT=<program> -D MODE=<check|fix> -P format.cmake
cmake_minimum_required(VERSION 3.25)

foreach(room IN ITEMS framework stages pipelines tests bench)
  list(APPEND patterns ${ROOT}/${room}/*.hpp ${ROOT}/${room}/*.cpp)
endforeach()
file(GLOB_RECURSE files ${patterns})
if(MODE STREQUAL "fix")
  execute_process(COMMAND ${CLANG_FORMAT} -i ${files} COMMAND_ERROR_IS_FATAL ANY)
  return()
endif()
execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror ${files}
  RESULT_VARIABLE status ERROR_VARIABLE text)
if(status)
  string(REGEX MATCHALL "[^\n]*: error: [^\n]*" faults "${text}")
  list(TRANSFORM faults REPLACE "^${ROOT}/(.*): error: .*$" "\\1")
  list(JOIN faults "\n" faults)
  message(NOTICE "${faults}")
  message(FATAL_ERROR "format: the lines above are not as .clang-format wants them; ./dev format fixes")
endif()
list(LENGTH files count)
message(STATUS "format: ${count} files are as .clang-format wants them")
