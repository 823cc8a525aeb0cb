// How uncertain the places of groups are that were fitted one after the other: each has the errors of those it was
// fitted to, besides its own.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "tessera/model/sky_grid.hpp"
#include "tessera/sky/correct_wcs.hpp"

namespace tessera::exchange {

/// A star of a fit: where it is, and the group whose position it was fitted to, or that it belongs to.
struct FitTie {
  static constexpr int Exact = -1;  ///< as `group`: a catalogue, or what errors are counted from
  double ra = 0, dec = 0;           ///< degrees
  int group = Exact;
  double weight = 1;  ///< in the fit; mean 1
};

/// Standard error of a coordinate of a match, and how well its scatter tells it.
struct TieError {
  double sigma = 0;  ///< arcsec, along an axis: the scatter of the fit over its degrees of freedom
  int freedom = 0;   ///< degrees of freedom
};

/// First-order propagation. The error of a group is a motion m = (x, y, roll) in one plane for all, B(p) m at place p.
/// A fit to stars of groups o makes m_g = sum_o W_o m_o + own noise, W_o = (sum B^T B)^-1 sum_(stars of o) B^T B: what
/// the groups it was fitted to are off by it is off by too, and at the lever arm at which it met them.
class MotionErrors {
 public:
  /// `plane`: near all stars.
  MotionErrors(sky::CorrectionPlane const& plane, std::size_t groups);

  /// `group` was fitted to stars by a shift, or (with_roll) a shift and a roll.
  void fit_group(std::size_t group, std::span<FitTie const> ties, TieError error, bool with_roll);
  /// All groups were moved as one, by a fit of their own stars to a catalogue.
  void fit_all(std::span<FitTie const> ties, TieError error, bool with_roll);

  /// Standard errors at a place: along x and y of the plane, arcsec, and of the roll, degrees. 0: not known, as fits
  /// without a degree of freedom left, and surveys of more than 1500 groups.
  std::array<double, 3> at(std::size_t group, model::SkyPoint place) const;

 private:
  using Matrix3 = std::array<std::array<double, 3>, 3>;
  struct Solved {
    std::vector<std::pair<std::size_t, Matrix3>> weights;  ///< W of every group among the ties
    Matrix3 noise{};
    bool is_known = false;
  };
  Solved solve(std::span<FitTie const> ties, TieError error, bool with_roll) const;
  Matrix3& block(std::size_t row, std::size_t column) { return covariance_[row * groups_ + column]; }
  Matrix3 const& block(std::size_t row, std::size_t column) const { return covariance_[row * groups_ + column]; }

  sky::CorrectionPlane plane_;
  std::size_t groups_;
  std::vector<Matrix3> covariance_;  ///< [group][group] of (x, y, roll * Lever), arcsec squared; empty: too many
  std::vector<bool> is_known_;       ///< [group]
};

}  // namespace tessera::exchange
