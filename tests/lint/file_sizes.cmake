# tests/lint/file_sizes.cmake: which files are longer than our guides. Prints, never fails.
# Run: cmake -D ROOT=<repository> -P file_sizes.cmake
cmake_minimum_required(VERSION 3.25)

set(guide_hpp 300)
set(guide_cpp 400)

set(total 0)
set(long "")
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/framework/*pp ${ROOT}/stages/*pp
  ${ROOT}/pipelines/*pp ${ROOT}/tests/*pp ${ROOT}/bench/*pp)
list(SORT files)
foreach(file IN LISTS files)
  file(READ ${ROOT}/${file} content)
  string(REGEX MATCHALL "\n" newlines "${content}")
  list(LENGTH newlines lines)
  math(EXPR total "${total} + ${lines}")
  string(REGEX MATCH "hpp|cpp" kind ${file})
  if(lines GREATER guide_${kind})
    string(APPEND long "${file}: ${lines} lines, guide ${guide_${kind}}\n")
  endif()
endforeach()
list(LENGTH files count)
message(STATUS "file sizes: ${count} files, ${total} lines; longer than the guide:\n${long}")
