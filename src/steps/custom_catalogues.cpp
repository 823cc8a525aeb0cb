#include "custom_catalogues.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

/// File name without folder and ".fits": "jw..._nrcalong_cal".
std::string image_name(std::string const& path) {
  auto const name = std::filesystem::path(path).filename().string();
  return name.substr(0, name.find(".fits"));
}

}  // namespace

std::optional<std::filesystem::path> CustomCatalogues::find(store::ExposureRecord const& record) const {
  auto found = of_image.find(image_name(record.path));
  if (found == of_image.end()) found = of_image.find(record.identity.exposure);
  if (found == of_image.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::filesystem::path find_catfile(std::string const& catfile, std::filesystem::path const& alignment_dir) {
  std::filesystem::path const named = catfile;
  if (std::filesystem::is_regular_file(named)) return named;
  if (named.is_relative() && !alignment_dir.empty() && std::filesystem::is_regular_file(alignment_dir / named))
    return alignment_dir / named;
  throw InputError({"the list of custom catalogues is not there", "catfile = " + catfile,
                    "a file with lines \"IMAGE CATALOGUE\"", "no such file",
                    "correct catfile, or set use_custom_catalogs = false"});
}

CustomCatalogues read_catfile(std::filesystem::path const& catfile) {
  std::ifstream file(catfile);
  if (!file) throw InputError({.what = "the list of custom catalogues cannot be read", .where = catfile.string()});
  CustomCatalogues custom;
  custom.catfile = catfile;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string image, catalogue, rest;
    if (!(words >> image)) continue;
    words >> catalogue;
    auto const where = fmt::format("{}:{}", catfile.string(), number);
    if (words >> rest)
      throw InputError({"not an image and its catalogue", where, "one or two words", line, "correct this line"});
    std::filesystem::path path = catalogue;
    if (!path.empty() && path.is_relative()) path = catfile.parent_path() / path;
    if (!path.empty() && !std::filesystem::is_regular_file(path))
      throw InputError({"a custom catalogue is not there", where, "a table with columns x and y", path.string(),
                        "correct this line, or leave the catalogue away: then stars are searched for"});
    if (!custom.of_image.emplace(image_name(image), path).second)
      throw InputError({"an image is named twice", where, "one line an image", image, "remove one of the lines"});
  }
  return custom;
}

}  // namespace tessera::steps
