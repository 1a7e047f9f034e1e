// pipelines/main.cpp: the `sluice` command: the packaged samples under the library's command line.
// SPDX-License-Identifier: MIT
#include <catalog.hpp>
#include <sluice/main.hpp>

int main(int argc, char** argv) {
  return sluice::main(
      argc, argv, sluice::samples::catalog(),
      {.name = "sluice",
       .summary = "Runs the packaged pipelines of Sluice, describes and draws them.",
       .name_required = true});
}
