// Which group is the reference and which one is aligned next: by overlap of the sources (spec 30, 1.6).
#pragma once
#include <optional>
#include <vector>

#include "source_hulls.hpp"

namespace tessera::exchange {

/// Groups in the order of expand_refcat: of the pair with the largest overlap, the one that overlaps all others more is
/// the reference and the other is first; then the one that overlaps the grown reference most. Ties: list order.
class GroupOrder {
 public:
  explicit GroupOrder(std::vector<GroupImages> const& groups);

  std::size_t reference() const { return reference_; }
  /// The group to align now; each is given once.
  std::optional<std::size_t> next();
  /// The reference has these stars too; its hull is taken in `plane`.
  void grow(std::span<ReferenceStar const> added, sky::CorrectionPlane const& plane);

 private:
  std::vector<std::vector<SkyHull>> hulls_;  ///< [group][image]
  std::vector<bool> is_left_;
  std::size_t reference_ = 0;
  std::optional<std::size_t> first_;  ///< aligned before all others
  std::vector<SkyHull> reference_hulls_;
};

/// Whether the fields of any two images touch.
bool sees(GroupImages const& group, GroupImages const& others);

}  // namespace tessera::exchange
