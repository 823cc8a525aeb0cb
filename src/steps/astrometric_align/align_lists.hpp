// One list of stars onto another in a plane: iterations of matching and fitting, and a test that the match is one.
#pragma once
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/exchange/alignment.hpp"
#include "tessera/steps/astrometric_align/astrometric_align_options.hpp"

namespace tessera::steps {

using kernels::PlanePosition;

/// Largest probability that a match which is accepted came about by chance, over all that was tried for it.
inline constexpr double LargestChance = 1e-4;

/// The field that both lists lie in: the lower and upper corner of the mosaic.
struct Field {
  double x_low = 0, x_high = 0, y_low = 0, y_high = 0;
};

/// reference = matrix image + shift, about the origin of the plane. Unit of the lists: mosaic pixels.
struct ListAlignment {
  exchange::AlignStatus status = exchange::AlignStatus::NotAligned;
  std::string reason;                         ///< what failed, with numbers; or what an iteration left undone
  kernels::Matrix2 matrix{{{1, 0}, {0, 1}}};  ///< identity unless Success
  std::array<double, 2> shift{0, 0};
  std::vector<std::pair<int, int>> pairs;  ///< (image, reference) of the last iteration
  std::vector<bool> used;                  ///< [pair]: left after clipping
  int matches = 0;                         ///< of them used
  int reference_in_field = 0;              ///< stars that could be matched
  double rmse = 0, mae = 0;
  double rms_before = 0;                            ///< of the pairs used, about nothing
  double expected_by_chance = 0, log10_chance = 0;  ///< of the first iteration
  double tolerance = 0;                             ///< of the last iteration, as it was used
  std::vector<std::string> iterations;              ///< "iteration1: shift by 87 of 95 matches within 2 pixels, ..."
};

/// `weights` of the reference may be empty. Each iteration starts from the solution of the one before; the first one
/// tries, where the tolerance configured gives no match that chance would not give, other tolerances, and looks for the
/// shift at which most stars fall together. A later iteration that fails leaves the solution as it was. Fewer matches
/// than twice what a geometry needs are fitted by a simpler one.
ListAlignment align_lists(std::span<PlanePosition const> image, std::span<PlanePosition const> reference,
                          std::span<double const> weights, Field const& field,
                          std::span<AlignIteration const> iterations);

}  // namespace tessera::steps
