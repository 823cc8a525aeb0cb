#include "sky_list.hpp"

#include <filesystem>
#include <fstream>
#include <map>
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

std::vector<double> read_sky_list(std::string const& path, std::vector<store::ExposureRecord const*> const& members) {
  std::ifstream file(path);
  if (!file)
    throw InputError({"the list of sky levels cannot be read", path, "a file with lines \"IMAGE LEVEL\"", "none",
                      "correct parameters.lv3.jwst_parameters.skymatch.skylist"});
  std::map<std::string, double> levels;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string image, rest;
    double level = 0;
    if (!(words >> image)) continue;
    auto const where = fmt::format("{}:{}", path, number);
    if (!(words >> level) || (words >> rest))
      throw InputError({"not a sky level", where, "an image and a number", line, "correct this line"});
    if (!levels.emplace(image_name(image), level).second)
      throw InputError({"an image is named twice", where, "one line an image", image, "remove one of the lines"});
  }
  std::vector<double> found;
  for (auto const* member : members) {
    auto at = levels.find(image_name(member->path));
    if (at == levels.end()) at = levels.find(member->identity.exposure);
    if (at == levels.end())
      throw InputError({"an exposure has no sky level", path, "a line for " + image_name(member->path), "none",
                        "add \"" + image_name(member->path) + " LEVEL\""});
    found.push_back(at->second);
  }
  return found;
}

}  // namespace tessera::steps
