#include "mosaic_sources.hpp"

#include <cmath>

#include "tessera/io/source_table.hpp"

namespace tessera::steps {

std::vector<MosaicSource> read_mosaic_sources(std::filesystem::path const& path, MosaicImage const& image,
                                              MosaicPlane const& plane) {
  std::vector<MosaicSource> sources;
  if (path.empty() || !std::filesystem::exists(path)) return sources;
  auto const table = io::read_table(path);
  bool const has_short_names = !table.find("xcentroid") && table.find("x");
  auto const x = table.numbers(has_short_names ? "x" : "xcentroid", path.string()),
             y = table.numbers(has_short_names ? "y" : "ycentroid", path.string());
  std::vector<double> extended;
  if (table.find("is_extended")) extended = table.numbers("is_extended", path.string());
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!std::isfinite(x[k]) || !std::isfinite(y[k]) || (!extended.empty() && extended[k] != 0)) continue;
    MosaicSource source{x[k], y[k], image.wcs()->pixel_to_sky({x[k], y[k]}), {}};
    source.at = plane.from_sky(source.sky);
    if (std::isfinite(source.at.x) && std::isfinite(source.at.y)) sources.push_back(source);
  }
  return sources;
}

}  // namespace tessera::steps
