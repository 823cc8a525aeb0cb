#include "tessera/kernels/image_shift.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "phase_correlation.hpp"
#include "refine_shift.hpp"

namespace tessera::kernels {

namespace {

constexpr double LeastSignificance = 6;  ///< of the 2e4 values within a search of 64 pixels none of noise is this high
constexpr double Agreement = 1.5;        ///< pixels

double median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

/// Smallest box of the pixels with data in both.
ImagePiece common_box(float const* first, float const* second, std::int64_t ny, std::int64_t nx) {
  ImagePiece box{ny, 0, nx, 0};
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) {
      if (!std::isfinite(first[y * nx + x]) || !std::isfinite(second[y * nx + x])) continue;
      box = {std::min(box.y0, y), std::max(box.y1, y + 1), std::min(box.x0, x), std::max(box.x1, x + 1)};
    }
  return box;
}

/// Significant peaks of parts x parts pieces. `measured`: how many pieces had enough data.
std::vector<CorrelationPeak> correlate_pieces(float const* first, float const* second, std::int64_t nx,
                                              ImagePiece const& box, int parts, double search, int& measured) {
  std::vector<CorrelationPeak> peaks;
  measured = 0;
  for (std::int64_t j = 0; j < parts; ++j)
    for (std::int64_t i = 0; i < parts; ++i) {
      ImagePiece const piece{box.y0 + box.height() * j / parts, box.y0 + box.height() * (j + 1) / parts,
                             box.x0 + box.width() * i / parts, box.x0 + box.width() * (i + 1) / parts};
      auto const peak = correlate_piece(first, second, nx, piece, search);
      if (!peak) continue;
      ++measured;
      if (peak->significance >= LeastSignificance) peaks.push_back(*peak);
    }
  return peaks;
}

bool agree(CorrelationPeak const& a, CorrelationPeak const& b) {
  return std::abs(a.x - b.x) <= Agreement && std::abs(a.y - b.y) <= Agreement;
}

/// The peak that most others agree with, those that do, and the most that agree on another.
struct Vote {
  CorrelationPeak middle;  ///< median of those that agree
  int agreeing = 0, rivals = 0;
};

Vote take_vote(std::vector<CorrelationPeak> const& peaks) {
  auto const count = [&](CorrelationPeak const& peak) {
    return static_cast<int>(
        std::count_if(peaks.begin(), peaks.end(), [&](CorrelationPeak const& other) { return agree(peak, other); }));
  };
  Vote vote;
  CorrelationPeak const* best = nullptr;
  for (auto const& peak : peaks)
    if (int const votes = count(peak); votes > vote.agreeing) {
      vote.agreeing = votes;
      best = &peak;
    }
  std::vector<double> x, y;
  for (auto const& peak : peaks) {
    if (!agree(*best, peak)) {
      vote.rivals = std::max(vote.rivals, count(peak));
      continue;
    }
    x.push_back(peak.x);
    y.push_back(peak.y);
  }
  if (best) vote.middle = {median(x), median(y), best->significance};
  return vote;
}

}  // namespace

ImageShift measure_image_shift(float const* first, float const* second, std::int64_t ny, std::int64_t nx,
                               ImageShiftOptions const& options) {
  ImageShift shift;
  auto const box = common_box(first, second, ny, nx);
  if (box.y1 <= box.y0) return shift;
  int measured = 0;
  auto const peaks = correlate_pieces(first, second, nx, box, options.parts, options.search, measured);
  auto const vote = take_vote(peaks);
  shift.pieces = static_cast<int>(peaks.size());
  shift.agreeing = vote.agreeing;
  shift.guess = {vote.middle.x, vote.middle.y};
  // Pieces too small for the shift, too faint each, or divided: all together have a word.
  if (vote.agreeing < 2 || 2 * vote.agreeing <= shift.pieces) {
    int whole = 0;
    auto const of_all = correlate_pieces(first, second, nx, box, 1, options.search, whole);
    if (measured + whole == 0) return shift;
    bool const is_confirmed =
        !of_all.empty() && vote.agreeing >= 2 && vote.agreeing >= 2 * vote.rivals && agree(of_all[0], vote.middle);
    if (of_all.empty() || (shift.pieces >= 3 && !is_confirmed)) {
      shift.verdict = peaks.empty() ? ImageShiftVerdict::Insignificant : ImageShiftVerdict::Ambiguous;
      return shift;
    }
    shift.guess = {of_all[0].x, of_all[0].y};
    shift.agreeing = static_cast<int>(
        std::count_if(peaks.begin(), peaks.end(), [&](auto const& peak) { return agree(of_all[0], peak); }));
  }
  shift.x = shift.guess[0];
  shift.y = shift.guess[1];
  if (!refine_shift(first, second, ny, nx, options, shift)) {
    shift.verdict = shift.pixels == 0 ? ImageShiftVerdict::TooFewPixels : ImageShiftVerdict::Ambiguous;
    shift.x = shift.y = 0;
    return shift;
  }
  bool const far = std::abs(shift.x) > options.search || std::abs(shift.y) > options.search;
  shift.verdict = far ? ImageShiftVerdict::TooLarge : ImageShiftVerdict::Found;
  return shift;
}

std::int64_t image_shift_bytes(std::int64_t ny, std::int64_t nx) {
  constexpr std::int64_t Refinement = 6 * 4;  // two smoothed images, one in the making, two moved, what is left of them
  return std::max(correlation_bytes(ny, nx), Refinement * ny * nx);
}

}  // namespace tessera::kernels
