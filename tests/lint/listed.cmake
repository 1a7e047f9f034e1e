# tests/lint/listed.cmake: every source is part of the build: a test nobody compiles cannot fail.
# Run: cmake -D ROOT=<repository> -P listed.cmake
#
# Sources are listed by hand in their room's CMakeLists.txt, never globbed; this finds the forgotten one.
# What a script or a subfolder's CMakeLists.txt of the room compiles is part of it too. Cases of compile_fail/ are listed by name; tests/install/ holds projects with lists of their own.
cmake_minimum_required(VERSION 3.25)

set(faults "")
foreach(room IN ITEMS framework stages pipelines tests bench)
  file(GLOB_RECURSE files RELATIVE ${ROOT}/${room} ${ROOT}/${room}/*.cpp)
  list(FILTER files EXCLUDE REGEX "^install/")
  list(SORT files)
  set(lists "")
  if(EXISTS ${ROOT}/${room}/CMakeLists.txt)
    file(READ ${ROOT}/${room}/CMakeLists.txt lists)
  endif()
  set(scripts "")
  file(GLOB script_files ${ROOT}/${room}/*.sh ${ROOT}/${room}/*/CMakeLists.txt)
  foreach(script IN LISTS script_files)
    file(READ ${script} text)
    string(APPEND scripts "${text}")
  endforeach()
  foreach(file IN LISTS files)
    string(REGEX REPLACE "^compile_fail/(.*)\\.cpp$" "\n  \\1\n" needle ${file})
    string(FIND "${lists}" "${needle}" at)
    get_filename_component(name ${file} NAME)
    string(FIND "${scripts}" "${name}" at_script)
    if(at EQUAL -1 AND at_script EQUAL -1)
      string(APPEND faults "${room}/${file}:1: is not in ${room}/CMakeLists.txt\n")
    endif()
  endforeach()
endforeach()

if(faults)
  message(NOTICE "${faults}")
  message(FATAL_ERROR "listed: sources that are not built, listed above")
endif()
message(STATUS "listed: every source is part of the build")
