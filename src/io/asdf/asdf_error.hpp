// Messages about ASDF files: which file, which node, what was expected and found.
#pragma once
#include <string>

#include "tessera/core/error.hpp"

namespace tessera::io {

[[noreturn]] inline void fail_asdf(std::string const& file, std::string const& path, std::string what,
                                   std::string expected = {}, std::string found = {}) {
  throw InputError(
      {std::move(what), path.empty() ? file : file + ", node " + path, std::move(expected), std::move(found), {}});
}

}  // namespace tessera::io
