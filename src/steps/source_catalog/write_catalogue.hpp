// <product>_cat.ecsv: the official columns, units and formats (spec 30, 5.3).
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "aperture_reference.hpp"
#include "label_numbers.hpp"
#include "source_record.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::steps {

/// What a catalogue says about itself and its sources, besides the sources.
struct CatalogueFacts {
  SourceCatalogOptions options;
  ApertureReference reference;
  std::string remarks;        ///< what is not as it should be; may be empty
  std::string program;        ///< name and version
  double north_degrees = 90;  ///< angle of north from +x in the mosaic, towards +y
};

/// Angle of north from +x, degrees, at the reference pixel (1-based keywords `crpix`): a step of 1 arcsec.
double find_north(sky::Wcs const& wcs, double crpix1, double crpix2);

/// Sources in any order; they are sorted by their labels. Written piece by piece beside, synced, renamed. IoError.
void write_catalogue(std::filesystem::path const& path, std::vector<SourceRecord> sources, LabelNumbers const& numbers,
                     sky::Wcs const& wcs, CatalogueFacts const& facts);

/// Bytes that write_catalogue holds at most for so many sources.
std::int64_t catalogue_bytes(std::int64_t sources);

}  // namespace tessera::steps
