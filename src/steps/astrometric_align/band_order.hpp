// Which bands must be aligned before which.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tessera/steps/astrometric_align/astrometric_align_options.hpp"
#include "tessera/steps/band_task.hpp"

namespace tessera::steps {

/// Of one task.
struct BandPlace {
  int needs = -1;       ///< task of the same target that must be done before; -1: none
  int level = 0;        ///< tasks of a level need only those of lower ones
  std::string problem;  ///< why it cannot be done; empty: it can
};

/// Places of all tasks, whatever their order. `options` is by task; a null one (they could not be read) is a problem
/// that is said already. Bands are compared without regard to letter case. No circles: the options have none.
std::vector<BandPlace> order_bands(std::vector<BandTask> const& tasks,
                                   std::vector<std::optional<AstrometricAlignOptions>> const& options);

}  // namespace tessera::steps
