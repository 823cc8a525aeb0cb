// What each kind of ledger entry does to a band of rows.
#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::store {

namespace {

/// Applies one correction to the pixels of `box` (exposure pixels), which lies inside the band.
struct Application {
  model::PixelBox box;     ///< part of the region inside the band
  model::PixelBox region;  ///< the entry's region
  model::RowBand& band;
  std::vector<double>& sci;
  model::PixelMap const* map;

  template <class Function>
  void each_pixel(Function&& function) const {
    for (std::int64_t y = box.y0; y < box.y1; ++y)
      for (std::int64_t x = box.x0; x < box.x1; ++x)
        function(x, y, static_cast<std::size_t>((y - band.y0) * band.nx + x));
  }

  void operator()(model::LevelCorrection const& c) const {
    if (sci.empty()) return;
    each_pixel([&](std::int64_t, std::int64_t, std::size_t index) { sci[index] -= c.level; });
  }
  void operator()(model::PlaneCorrection const& c) const {
    if (sci.empty()) return;
    each_pixel([&](std::int64_t x, std::int64_t y, std::size_t index) {
      sci[index] -= c.level + c.slope_x * (static_cast<double>(x) - c.x0) + c.slope_y * (static_cast<double>(y) - c.y0);
    });
  }
  void operator()(model::StripeCorrection const& c) const {
    if (sci.empty()) return;
    bool const rows = c.direction == model::StripeCorrection::Direction::Rows;
    for (std::size_t a = 0; a + 1 < c.bounds.size(); ++a) {
      auto const& profile = c.profile.at(a);
      each_pixel([&](std::int64_t x, std::int64_t y, std::size_t index) {
        std::int64_t const across = rows ? x : y, along = rows ? y : x;
        if (across < c.bounds[a] || across >= c.bounds[a + 1]) return;
        if (along < static_cast<std::int64_t>(profile.size())) sci[index] -= profile[static_cast<std::size_t>(along)];
      });
    }
  }
  void operator()(model::FlagCorrection const& c) const {
    if (band.dq.empty()) return;
    each_pixel([&](std::int64_t x, std::int64_t y, std::size_t index) {
      auto const bit = static_cast<std::size_t>((y - region.y0) * region.width() + (x - region.x0));
      if (bit / 8 < c.mask.size() && (c.mask[bit / 8] >> (bit % 8)) & 1u) band.dq[index] |= c.bits;
    });
  }
  void operator()(model::RegionFlag const& c) const {
    if (band.dq.empty()) return;
    each_pixel([&](std::int64_t, std::int64_t, std::size_t index) { band.dq[index] |= c.bits; });
  }
  void operator()(model::WcsCorrection const&) const {}  // moves the WCS, not the pixels
  void operator()(model::SkyCorrection const& c) const {
    if (sci.empty() || !c.subtract) return;
    each_pixel([&](std::int64_t, std::int64_t, std::size_t index) { sci[index] -= c.level; });
  }
  void operator()(model::SkyPlaneCorrection const& c) const {
    if (sci.empty()) return;
    TESSERA_EXPECT(map != nullptr);
    std::vector<double> X(static_cast<std::size_t>(box.width())), Y(X.size());
    for (std::int64_t y = box.y0; y < box.y1; ++y) {
      map->evaluate_row(y, box.x0, box.x1, X.data(), Y.data());
      double* const row = sci.data() + (y - band.y0) * band.nx + box.x0;
      for (std::size_t k = 0; k < X.size(); ++k) {
        double const plane = c.level + c.slope_x * (X[k] - c.x_ref) + c.slope_y * (Y[k] - c.y_ref);
        if (std::isfinite(plane)) row[k] -= plane;
      }
    }
  }
};

}  // namespace

void apply_correction(model::LedgerEntry const& entry, model::RowBand& band, std::vector<double>& sci,
                      model::PixelMap const* map) {
  TESSERA_EXPECT(sci.empty() || sci.size() == static_cast<std::size_t>(band.pixel_count()));
  model::PixelBox const rows{0, band.y0, band.nx, band.y1};
  // An empty region is the whole exposure; its height is not known here, and only rows of the band can change.
  model::PixelBox const region = entry.region.empty() ? model::PixelBox{0, 0, band.nx, band.y1} : entry.region;
  std::visit(Application{model::intersect(rows, region), region, band, sci, map}, entry.correction);
}

}  // namespace tessera::store
