// Source lists of the user's in place of those of a finder (spec 30, 1.1: use_custom_catalogs, catfile).
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

struct CustomCatalogues {
  std::filesystem::path catfile;
  /// By the name of the image without folder and ".fits"; an empty path: to be found by the finder.
  std::map<std::string, std::filesystem::path> of_image;

  /// By the name of the file, or of the exposure; nullopt: find the stars.
  std::optional<std::filesystem::path> find(store::ExposureRecord const& record) const;
};

/// As it is given, or in `alignment_dir`. InputError where it is not there.
std::filesystem::path find_catfile(std::string const& catfile, std::filesystem::path const& alignment_dir);

/// A line "IMAGE CATALOGUE" or "IMAGE" an image, "#" for comments; catalogues are relative to the file. InputError for
/// other lines, images named twice, and catalogues that are not there.
CustomCatalogues read_catfile(std::filesystem::path const& catfile);

}  // namespace tessera::steps
