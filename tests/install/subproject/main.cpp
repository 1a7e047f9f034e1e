// subproject/main.cpp: a program whose project contains Sluice as a folder.
#include <sluice/base/config.hpp>

#include <cstdio>

int main() { std::printf("linked with sluice %s\n", sluice::version()); }
