// A source with everything that follows from what was measured (spec 30, 5.2 items 6 to 10).
#pragma once
#include <array>
#include <cstdint>

#include "source_record.hpp"
#include "write_catalogue.hpp"

namespace tessera::steps {

struct CatalogueRow {
  std::int32_t label = 0, nearest_label = -1;
  double nearest_distance = kernels::NoValue;  ///< pixels
  model::SkyPoint sky;
  /// In the three apertures and in all: aperture corrected from the largest.
  std::array<double, 4> flux{}, flux_error{}, abmag{}, abmag_error{}, vegamag{};
  std::array<double, 3> concentration{};  ///< 50/30, 70/50, 70/30
  bool is_extended = false;
  double isophotal_error = 0, isophotal_abmag = 0, isophotal_abmag_error = 0, isophotal_vegamag = 0;
  double sky_orientation = 0;              ///< degrees from north, in (-90, 90]
  std::array<model::SkyPoint, 4> corners;  ///< lower left, upper left, lower right, upper right
};

/// Everything but label and neighbour.
CatalogueRow describe_source(SourceRecord const& source, sky::Wcs const& wcs, CatalogueFacts const& facts);

}  // namespace tessera::steps
