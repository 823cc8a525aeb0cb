#include "tessera/refs/check_reference.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::refs {

ReferenceState check_reference(std::filesystem::path const& path) {
  using Kind = ReferenceState::Kind;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {Kind::Missing, ""};
  if (!std::filesystem::is_regular_file(path, error)) return {Kind::Broken, "not a file"};
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return {Kind::Broken, "cannot be read: look at its permissions"};
  if (std::filesystem::file_size(path, error) == 0) return {Kind::Broken, "empty"};
  auto const name = path.filename().string();
  try {
    if (name.ends_with(".fits") || name.ends_with(".fits.gz"))
      io::read_headers(path);
    else if (name.ends_with(".asdf"))
      io::AsdfDocument::read(path);
    else if (name.ends_with(".json") && !nlohmann::json::accept(stream))
      return {Kind::Broken, "not JSON"};
  } catch (Error const& problem) {
    return {Kind::Broken, problem.problem().line()};
  }
  return {};
}

}  // namespace tessera::refs
