#include "tessera/core/error.hpp"

#include <utility>

namespace tessera {

std::string Problem::line() const {
  std::string text = where;
  auto const append = [&text](std::string_view separator, std::string_view part) {
    if (part.empty()) return;
    if (!text.empty()) text += separator;
    text += part;
  };
  append(": ", what);
  if (!expected.empty()) append(": ", "expected " + expected);
  if (!found.empty()) append(expected.empty() ? ": " : ", ", "found " + found);
  if (!remedy.empty()) append(" ", "(remedy: " + remedy + ")");
  return text;
}

Error::Error(ExitStatus status, Problem problem)
    : std::runtime_error(problem.line()), status_(status), problem_(std::move(problem)) {}

}  // namespace tessera
