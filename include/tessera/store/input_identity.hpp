// What an input is called, and whether it is still the same file.
#pragma once
#include <string>
#include <vector>

#include "tessera/io/fits_file.hpp"

namespace tessera::store {

/// File name without folder, ".fits[.gz|.fz]" and a known suffix ("_cal", "_crf", "_rate", "_i2d"): the exposure.
std::string exposure_name(std::string const& path);

/// SHA-256 of all header cards, the size and the time of change of the file: they stand for the pixels, since reading
/// all of those would cost as much as the work. `companions` are further files it is made of, each with its HDU.
struct Companion {
  std::string path;
  int hdu = -1;
};
std::string header_hash(std::vector<io::Hdu> const& hdus, std::string const& path,
                        std::vector<Companion> const& companions = {});

}  // namespace tessera::store
