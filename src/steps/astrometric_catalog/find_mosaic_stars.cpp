#include "find_mosaic_stars.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "../share_mosaics.hpp"
#include "tessera/compute/session.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/constrained_diffusion.hpp"
#include "tessera/model/blocks.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::steps {

namespace {

constexpr int DiffusionScales = 3;  ///< the finest: compact sources

/// How the stars of one mosaic are looked for.
struct Search {
  MosaicImage const& image;
  kernels::StarFinderOptions finder;
  double level = 0;          ///< taken off
  bool like_pjpipe = false;  ///< what holds no data is 0 and masked; else it is NaN, and no star reaches it
  std::vector<kernels::DiffusionScale> diffusion;  ///< scales that stars are looked for in; empty: the image

  std::int64_t finder_reach() const { return kernels::finder_reach(finder); }
  std::int64_t reach() const { return finder_reach() + kernels::diffusion_reach(diffusion); }
  /// Of image, mask and convolution of rows and what they depend on; a diffused image is held twice in double as well.
  std::int64_t bytes(std::int64_t rows) const {
    return image.nx() * (13 * (rows + 2 * reach()) +
                         (diffusion.empty() ? 0 : 16 * (rows + 2 * reach()) + 8 * (rows + 2 * finder_reach())));
  }
};

/// Rows first <= y < last to look for stars in, and which of their pixels hold no data.
struct SearchRows {
  std::vector<float> data;
  std::vector<std::uint8_t> mask;  ///< empty: NaN says it

  kernels::ImageRows view(MosaicImage const& image, std::int64_t first, std::int64_t last) const {
    return {data.data(), mask.empty() ? nullptr : mask.data(), image.nx(), image.ny(), first, last};
  }
};

SearchRows read_rows(Search const& search, std::int64_t first, std::int64_t last) {
  SearchRows rows;
  rows.data = search.image.rows(first, last);
  bool const masks = search.like_pjpipe || !search.diffusion.empty();
  if (masks) rows.mask.resize(rows.data.size());
  for (std::size_t k = 0; k < rows.data.size(); ++k) {
    float& value = rows.data[k];
    value = static_cast<float>(static_cast<double>(value) - search.level);
    if (!masks || !std::isnan(value)) continue;
    value = 0;
    rows.mask[k] = 1;
  }
  return rows;
}

/// Stars of rows y0 <= y < y1.
std::vector<model::Star> find_in_rows(Search const& search, std::int64_t y0, std::int64_t y1) {
  auto const& image = search.image;
  auto const above = [](std::int64_t y, std::int64_t reach) { return std::max<std::int64_t>(0, y - reach); };
  auto const below = [&](std::int64_t y, std::int64_t reach) { return std::min(image.ny(), y + reach); };
  std::int64_t first = above(y0, search.reach()), last = below(y1, search.reach());
  auto rows = read_rows(search, first, last);
  if (!search.diffusion.empty()) {
    std::int64_t const from = above(y0, search.finder_reach()), to = below(y1, search.finder_reach());
    rows.data = kernels::compact_part(rows.view(image, first, last), from, to, search.diffusion);
    rows.mask.erase(rows.mask.begin(), rows.mask.begin() + (from - first) * image.nx());
    rows.mask.resize(rows.data.size());
    first = from;
    last = to;
  }
  return kernels::find_stars(rows.view(image, first, last), y0, y1, search.finder);
}

/// Stars of the rows of blocks of this rank, as many at a time as the memory allows.
std::vector<model::Star> find_in_blocks(Search const& search, parallel::ItemRange blocks, std::string const& label,
                                        parallel::MemoryBudget& budget) {
  if (blocks.size() == 0) return {};
  std::int64_t const largest = search.diffusion.empty() ? 1 : static_cast<std::int64_t>(blocks.size());
  std::int64_t together = 1;
  while (together < largest && search.bytes((together + 1) * model::BlockSize) < budget.free() / 2) ++together;
  std::int64_t const bytes = search.bytes(together * model::BlockSize);
  if (bytes > budget.free())
    throw BudgetError({"the rows that stars are found in do not fit", label,
                       fmt::format("{} MB for {} rows of {} pixels", bytes / 1000000 + 1,
                                   model::BlockSize + 2 * search.reach(), search.image.nx()),
                       fmt::format("{} MB free", budget.free() / 1000000),
                       search.diffusion.empty() ? "raise --memory-per-rank (fewer ranks a node)"
                                                : "raise --memory-per-rank (fewer ranks a node), or leave out "
                                                  "parameters.astrometric_catalog.starfind_prefilter for this band"});
  parallel::MemoryBudget::Reservation const memory(budget, "star finding in rows of a mosaic", bytes);
  std::vector<model::Star> stars;
  auto const end = static_cast<std::int64_t>(blocks.end);
  for (auto block = static_cast<std::int64_t>(blocks.begin); block < end; block += together) {
    std::int64_t const y0 = block * model::BlockSize,
                       y1 =
                           std::min({search.image.ny(), (block + together) * model::BlockSize, end * model::BlockSize});
    auto const found = find_in_rows(search, y0, y1);
    stars.insert(stars.end(), found.begin(), found.end());
  }
  return stars;
}

void add_sky(std::vector<model::Star>& stars, sky::Wcs const& wcs) {
  for (auto& star : stars) {
    auto const sky = wcs.pixel_to_sky({star.x, star.y});
    star.ra = sky.ra;
    star.dec = sky.dec;
  }
}

}  // namespace

MosaicStars find_mosaic_stars(parallel::Communicator const& group, MosaicImage const& image,
                              AstrometricCatalogOptions const& options, std::string const& label,
                              parallel::MemoryBudget& budget) {
  auto const blocks = own_block_rows(group, image.ny());
  Search search{image, options.finder_for(image.pixel_scale(), label), 0, false, {}};
  search.like_pjpipe = options.noise == MosaicNoiseMethod::Clip;
  if (options.constrained_diffusion)
    search.diffusion = kernels::plan_diffusion(image.nx(), image.ny(), DiffusionScales);
  MosaicStars made;
  made.noise = measure_noise(group, image, blocks, options.noise, budget);
  double const above = options.snr * made.noise.rms;
  if (search.like_pjpipe) {
    search.finder.threshold = options.threshold.value_or(made.noise.median + above);
  } else {
    search.level = made.noise.median;
    search.finder.threshold = options.threshold.value_or(above);
  }
  made.threshold = search.finder.threshold;
  made.kernel_fwhm = search.finder.fwhm;
  made.pixel_scale = image.pixel_scale();
  made.unit = image.header().text("BUNIT").value_or("");
  made.finder = search.finder.finder == kernels::StarFinder::Iraf ? "iraf" : "dao";
  made.noise_method = search.like_pjpipe ? "clip" : "mad";
  made.prefilter = options.constrained_diffusion ? "constrained_diffusion" : "none";
  parallel::all_or_none(group, [&] {
    if (made.noise.pixels > 0) made.stars = find_in_blocks(search, blocks, label, budget);  // else nothing has data
  });
  auto const parts = group.gather(std::as_bytes(std::span(made.stars)));
  if (!group.is_root()) return made;
  made.stars.clear();
  for (auto const& part : parts) {
    auto const* first = reinterpret_cast<model::Star const*>(part.data());
    made.stars.insert(made.stars.end(), first, first + part.size() / sizeof(model::Star));
  }
  kernels::keep_brightest(made.stars, search.finder.brightest);
  add_sky(made.stars, *image.wcs());
  return made;
}

}  // namespace tessera::steps
