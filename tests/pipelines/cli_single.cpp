// tests/pipelines/cli_single.cpp: the shortest program there is: one lambda, the whole command line.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>

#include <cstdio>
#include <optional>
#include <string>

int main(int argc, char** argv) {
  return sluice::main(argc, argv, [](sluice::Pipeline& p, const sluice::Args& args) {
    p.source("once",
             [text = args.path("input"),
              left = args.number("times", 1)]() mutable -> std::optional<std::string> {
               if (left == 0) return std::nullopt;
               --left;
               return text;
             }) |
        sluice::sink("print", [](const std::string& text) { std::puts(text.c_str()); });
  });
}
