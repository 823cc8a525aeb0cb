// Least squares of group shifts and rolls, and detector offsets, with the positions of all stars eliminated.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "group_lists.hpp"

namespace tessera::exchange {

/// Correction of a group in the plane of its first image: p' = R(roll) p + (x, y).
struct GroupMove {
  double x = 0, y = 0;  ///< arcsec
  double roll = 0;      ///< radians, counterclockwise seen with east to the right
};

/// A star as one image saw it; group TheDatum: as the catalogue has it.
struct ChainMember {
  sky::Vector3 direction;  ///< not corrected
  int group = TheDatum, image = TheDatum;
  double variance = 1;  ///< arcsec squared along one axis
  int kind = 0;         ///< below ErrorKinds: members whose errors were learnt together
};
inline constexpr std::size_t ErrorKinds = 3;

/// Sightings that are the same star, one after the other.
struct StarChains {
  std::vector<ChainMember> members;
  std::vector<std::size_t> start{0};  ///< first member of each chain, and the end

  std::size_t size() const { return start.size() - 1; }
  void close() { start.push_back(members.size()); }
};

/// Where the offset of a detector acts: its number and the axes of V2V3 in the plane of the image's group.
struct DetectorAxes {
  int detector = -1;  ///< -1: no offset
  kernels::Matrix2 to_plane{{{1, 0}, {0, 1}}};
};

/// The mean of a chain less the corrected position of a member, east and north.
struct Residual {
  double x = 0, y = 0;  ///< arcsec
  double share = 1;     ///< of the weight of its chain: the variance of the residual is (1 - share) variance
};

struct AdjustmentPriors {
  bool with_rotation = true;
  double roll = 0;      ///< radians; 0: none
  double detector = 0;  ///< arcsec
};

/// The state of all groups, and steps that improve it.
class Adjustment {
 public:
  /// `planes` of the groups; `detectors` [image].
  Adjustment(std::vector<sky::TangentAxes> planes, std::vector<DetectorAxes> detectors, int detector_count,
             AdjustmentPriors const& priors);

  sky::Vector3 corrected(sky::Vector3 direction, int group, int image) const;
  /// Of all members; `weights` as in improve. A chain without weight takes the plain mean.
  std::vector<Residual> residuals(StarChains const& chains, std::span<double const> weights) const;

  /// What the inverse of the weights is to be multiplied with to be the variance of the members of a kind.
  using KindScales = std::array<double, ErrorKinds>;
  enum class Covariance { Leave, Make };
  /// One step of Gauss and Newton with the `weights` of the members (arcsec^-2), the largest change in arcsec (a roll
  /// at a lever of 100"). Groups in no chain stay where they are.
  double improve(StarChains const& chains, std::span<double const> weights, Covariance make = Covariance::Leave,
                 KindScales const& scales = {1, 1, 1});

  /// After improve(..., Make): of (x, y, roll) [arcsec, arcsec, radians] of all groups, row-major, no gauge applied: a
  /// common shift that nothing fixes has the variance of 10". N^-1 (prior + sum_kind scale M_kind) N^-1, with M_kind
  /// what the members of a kind have in N. Empty for more than 1500 groups.
  std::vector<double> const& covariance() const { return covariance_; }
  /// After improve(..., Make): unknowns less what priors say of them, as the kinds of members determine them: the trace
  /// of N^-1 M_kind.
  KindScales const& free_parameters() const { return free_parameters_; }

  std::vector<GroupMove> groups;
  std::vector<std::array<double, 2>> offsets;  ///< [detector], arcsec along V2 and V3

 private:
  struct NormalEquations;
  PlanePosition moved(sky::Vector3 direction, int group, int image) const;
  void add_priors(NormalEquations& system) const;
  /// Of the prior of a roll, radians^-2: Student's t of three degrees of freedom, for a roll that is far off all the
  /// same is not to be pulled back.
  double roll_weight(double roll) const;

  std::vector<sky::TangentAxes> planes_;
  std::vector<DetectorAxes> detectors_;
  AdjustmentPriors priors_;
  std::vector<double> covariance_;
  KindScales free_parameters_{};
};

}  // namespace tessera::exchange
