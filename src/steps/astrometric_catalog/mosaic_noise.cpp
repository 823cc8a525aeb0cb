#include "mosaic_noise.hpp"

#include <cmath>
#include <exception>
#include <limits>
#include <memory>

#include "tessera/exchange/clip_over_ranks.hpp"
#include "tessera/kernels/source_mask.hpp"
#include "tessera/model/blocks.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::steps {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr double MadToSigma = 1.4826;

/// What the two ways clip by.
struct Recipe {
  double mask_sigma;   ///< of the source mask: clipping and detection
  double final_sigma;  ///< of the last clipping
  int final_rounds;
};
constexpr Recipe PjpipeRecipe{1.5, 1.5, 20}, MadRecipe{3, 0, 0};

/// The values of the rows of blocks of this rank, as clip_over_ranks wants them; kept where there is memory. An error
/// ends the giving and is agreed afterwards, so that no rank is left in a collective.
class Pieces {
 public:
  using Make = std::function<std::vector<float>(std::int64_t piece)>;
  Pieces(parallel::ItemRange rows, bool keep, Make make) : rows_(rows), keep_(keep), make_(std::move(make)) {
    if (keep_) kept_.resize(rows_.size());
  }

  exchange::GivePieces giver() {
    return [this](exchange::TakePiece const& take) {
      for (std::size_t row = rows_.begin; row < rows_.end && !failure_; ++row) try {
          auto const piece = static_cast<std::int64_t>(row);
          if (!keep_) {
            take(piece, make_(piece));
            continue;
          }
          auto& kept = kept_[row - rows_.begin];
          if (kept.empty()) kept = make_(piece);
          take(piece, kept);
        } catch (...) {
          failure_ = std::current_exception();
        }
    };
  }

  /// Collective.
  void agree(parallel::Communicator const& group) const {
    parallel::all_or_none(group, [this] {
      if (failure_) std::rethrow_exception(failure_);
    });
  }

 private:
  parallel::ItemRange rows_;
  bool keep_;
  Make make_;
  std::vector<std::vector<float>> kept_;
  std::exception_ptr failure_;
};

/// A row of blocks without the pixels of sources. Rows beyond it decide what is a source near its edges.
std::vector<float> rows_without_sources(MosaicImage const& image, std::int64_t piece, double threshold,
                                        kernels::SourceMaskOptions const& options) {
  // Whether a component is large enough shows within npixels - 1 rows; a mask grows by half the square.
  std::int64_t const margin = options.npixels - 1 + options.dilate / 2;
  std::int64_t const y0 = piece * model::BlockSize, y1 = std::min(y0 + model::BlockSize, image.ny());
  std::int64_t const first = std::max<std::int64_t>(0, y0 - margin), last = std::min(image.ny(), y1 + margin);
  auto const values = image.rows(first, last);
  auto const mask = kernels::mask_above(values.data(), threshold, image.nx(), last - first, options);
  std::vector<float> own(static_cast<std::size_t>((y1 - y0) * image.nx()));
  auto const offset = static_cast<std::size_t>((y0 - first) * image.nx());
  for (std::size_t k = 0; k < own.size(); ++k) own[k] = mask[offset + k] ? NaN : values[offset + k];
  return own;
}

}  // namespace

MosaicNoise measure_noise(parallel::Communicator const& group, MosaicImage const& image, parallel::ItemRange rows,
                          MosaicNoiseMethod method, parallel::MemoryBudget& budget) {
  auto const recipe = method == MosaicNoiseMethod::Clip ? PjpipeRecipe : MadRecipe;
  std::int64_t const piece_bytes = 4 * model::BlockSize * image.nx();
  auto const kept_bytes = static_cast<std::int64_t>(rows.size()) * piece_bytes;
  bool const keep = kept_bytes < budget.free() / 2;
  std::unique_ptr<parallel::MemoryBudget::Reservation> memory;
  parallel::all_or_none(group, [&] {
    memory = std::make_unique<parallel::MemoryBudget::Reservation>(budget, "rows of a mosaic",
                                                                   (keep ? kept_bytes : 0) + 4 * piece_bytes);
  });

  kernels::SourceMaskOptions mask;
  mask.nsigma = recipe.mask_sigma;
  mask.npixels = 5;
  double threshold = 0;
  {
    Pieces plain(rows, keep, [&](std::int64_t piece) {
      return image.rows(piece * model::BlockSize, (piece + 1) * model::BlockSize);
    });
    auto const found = exchange::clip_over_ranks(group, plain.giver(), recipe.mask_sigma, mask.maxiters);
    plain.agree(group);
    threshold = found.mean + recipe.mask_sigma * found.std;
  }
  MosaicNoise noise;
  std::unique_ptr<Pieces> masked;
  for (double const limit : {threshold, std::numeric_limits<double>::infinity()}) {
    // Sources all over: then with them.
    masked = std::make_unique<Pieces>(
        rows, keep, [&, limit](std::int64_t piece) { return rows_without_sources(image, piece, limit, mask); });
    auto const found = exchange::clip_over_ranks(group, masked->giver(), recipe.final_sigma, recipe.final_rounds);
    masked->agree(group);
    noise = {found.median, found.std, found.count};
    if (found.count > 0) break;
  }
  if (method == MosaicNoiseMethod::Clip || noise.pixels == 0) return noise;

  auto const give = masked->giver();
  std::vector<float> deviations;
  auto const give_deviations = [&](exchange::TakePiece const& take) {
    give([&](std::int64_t piece, std::span<float const> values) {
      deviations.assign(values.begin(), values.end());
      for (float& value : deviations) value = static_cast<float>(std::abs(static_cast<double>(value) - noise.median));
      take(piece, deviations);
    });
  };
  noise.rms = MadToSigma * exchange::clip_over_ranks(group, give_deviations, 0, 0).median;
  masked->agree(group);
  return noise;
}

}  // namespace tessera::steps
