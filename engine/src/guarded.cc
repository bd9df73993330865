#include "guarded.h"

#include <cxxabi.h>

#include <cstdlib>
#include <string>
#include <typeinfo>

namespace larder {

Status FromCurrentException(const char* who) try {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return {StatusCode::kInternal, std::string(who) + " threw an exception"};
  int error = 0;
  char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &error);
  const std::string text = error == 0 ? name : type->name();
  std::free(name);  // NOLINT: __cxa_demangle allocates with malloc
  return {StatusCode::kInternal, std::string(who) + " threw " + text};
} catch (...) {
  return {StatusCode::kInternal, "out of memory"};  // short: needs none
}

}  // namespace larder
