// sluice/os/exception_type.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/exception_type.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace sluice::detail {

std::string current_exception_type() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  return type != nullptr ? type->name() : "";
}

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? text.get() : name;
}

}  // namespace sluice::detail
