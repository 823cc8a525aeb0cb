// The star lists of all bands that are aligned by stars, brought to the ranks that align them.
#pragma once
#include <vector>

#include "../align_images.hpp"
#include "align_jobs.hpp"
#include "run_align_job.hpp"

namespace tessera::steps {

struct ListedStars {
  /// [job][band of the job]: with images on the rank that aligns the job only.
  std::vector<std::vector<BandImages>> jobs;
  std::vector<std::unique_ptr<parallel::MemoryBudget::Reservation>> memory;  ///< of the star lists
  std::vector<parallel::Failure> failures;  ///< exposures that could not be read, agreed
  bool stopped = false;
};

/// The rank that aligns a job.
inline int aligner_of_job(std::size_t job, int ranks) {
  return static_cast<int>(job % static_cast<std::size_t>(ranks));
}

/// Stars by a finder, from the user's lists, or after a diffusion, as the options of each band say. Collective.
ListedStars list_adjust_stars(StepContext& context, std::vector<BandTask> const& tasks,
                              std::vector<GetWcsAdjustOptions> const& options,
                              std::vector<TweakregStepOptions> const& tweakreg, JobPlan const& plan,
                              StepCounts& counts);

}  // namespace tessera::steps
