// Pass A by the joint method: the stripes of all exposures and their common sky at once (spec 40, section 3 item 3).
#pragma once
#include <string>

#include "destripe_task.hpp"
#include "joint_build.hpp"

namespace tessera::steps {

/// The joint solution of one task; profiles go into its journal as those of the first iteration of pass A.
class JointPass {
 public:
  JointPass(StepContext& context, DestripeTask const& task);
  ~JointPass();

  /// Lays the exposures on the sky. What they throw goes to `guard`: if one is lost, all is to be done anew without it.
  /// Collective, but for `guard`. Throws BudgetError and IoError on all ranks.
  void build(MemberGuard const& guard, StepCounts& counts);
  /// Solves, writes profiles and tables, says what the data do not determine. False: a stop request. Collective.
  bool solve(StepCounts& counts);

 private:
  void reserve();
  void keep_profiles(exchange::JointStripes const& solution, StepCounts& counts);
  void report(exchange::JointStripes const& solution) const;

  StepContext& context_;
  DestripeTask const& task_;
  exchange::JointOptions options_;
  std::vector<exchange::StripedExposure> exposures_;
  std::vector<std::int64_t> blocks_;  ///< of this rank
  std::unique_ptr<parallel::MemoryBudget::Reservation> held_;
  std::int64_t wave_bytes_ = 0;
  std::unique_ptr<JointCells> cells_;
};

}  // namespace tessera::steps
