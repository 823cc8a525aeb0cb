#include "band_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

bool same_band(std::string const& a, std::string const& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char c, unsigned char d) { return std::tolower(c) == std::tolower(d); });
}

}  // namespace

std::vector<BandPlace> order_bands(std::vector<BandTask> const& tasks,
                                   std::vector<std::optional<AstrometricAlignOptions>> const& options) {
  std::vector<BandPlace> places(tasks.size());
  for (std::size_t k = 0; k < tasks.size(); ++k) {
    if (!options[k] || !options[k]->needed_band()) continue;
    std::string const needed = *options[k]->needed_band();
    for (std::size_t other = 0; other < tasks.size(); ++other)
      if (tasks[other].target == tasks[k].target && same_band(tasks[other].band, needed))
        places[k].needs = static_cast<int>(other);
    if (places[k].needs < 0)
      places[k].problem =
          Problem{"the band that it is aligned to is not there", tasks[k].label(),
                  fmt::format("{} among the bands of this target ({})", needed,
                              options[k]->mapped_to ? "align_mapping" : "ref_long_filter"),
                  "no such mosaic, or the band failed before", "add the band to `bands`, or leave out the mapping"}
              .line();
  }
  // As often as the longest chain can be.
  for (std::size_t round = 0; round < tasks.size(); ++round)
    for (auto& place : places)
      if (place.needs >= 0) place.level = places[static_cast<std::size_t>(place.needs)].level + 1;
  return places;
}

}  // namespace tessera::steps
