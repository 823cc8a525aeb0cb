// Groups of images aligned one after the other to a list of stars that may grow by theirs (spec 30, 1.6).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "fit_group.hpp"
#include "group_order.hpp"

namespace tessera::exchange {

/// Images of one group.
struct ImageGroup {
  std::string name;
  std::vector<std::size_t> members;  ///< images, in list order
  GroupImages images;
};
/// In the order of their first image.
std::vector<ImageGroup> groups_of(std::span<AlignImage const> images);

/// Why the options do not allow a match, or "": stars that are told apart must not both match one (spec 30, 1.1).
std::string separation_problem(StageOptions const& options, std::string const& prefix);

/// One of the align functions, once: the alignment so far, and how certain it is.
class GroupwiseStage {
 public:
  GroupwiseStage(std::span<AlignImage const> images, StageOptions const& options);

  /// The relative stage: onto the first group, or (`by_overlap`, with more than two) the one that the overlaps choose;
  /// `expand`: aligned groups become part of what the next is fitted to.
  void align_to_first(bool expand, bool by_overlap);
  /// Every group onto the catalogue (errors of `catalogue_error` arcsec along an axis), in list order; then those with
  /// too few matches onto the catalogue and the others, until no more succeed. Fits are robust, weighted by the errors
  /// of the stars.
  void align_to(std::span<model::Star const> catalogue, double catalogue_error);

  Alignment& alignment() { return alignment_; }
  /// Of the groups with Success, and of the reference.
  MotionErrors& errors() { return errors_; }
  /// Index of the group of each star of all images, one image after the other.
  std::vector<int> groups_of_stars() const;
  /// Sets the errors of the groups with Success at the tangent points of their planes.
  void state_errors();

 private:
  std::string problem() const;
  void start(std::size_t group);
  void fit(std::size_t group);
  void add_to_reference(std::size_t group);
  bool align_group(std::size_t group, bool expand);
  void refuse_large_motion(std::size_t group);
  void accept();

  std::span<AlignImage const> images_;
  StageOptions const& options_;
  PairWeights weights_ = PairWeights::OfLists;
  std::vector<ImageGroup> groups_;
  Alignment alignment_;
  MotionErrors errors_;
  std::vector<ReferenceStar> reference_;
  std::vector<std::vector<bool>> matched_;  ///< [group] its stars: have a partner in the reference
  GroupImages reference_images_;
};

}  // namespace tessera::exchange
