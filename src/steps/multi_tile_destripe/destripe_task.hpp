// One (target, band) while its stripes are measured.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../stripe_layout.hpp"
#include "block_image.hpp"
#include "tessera/exchange/loaded_exposure.hpp"
#include "tessera/exchange/sky_plan.hpp"
#include "tessera/kernels/smooth_stack.hpp"
#include "tessera/sky/comparison_grid.hpp"
#include "tessera/steps/ledger_builder.hpp"
#include "tessera/steps/multi_tile_destripe/destripe_options.hpp"

namespace tessera::steps {

/// What everybody needs to know of an exposure. Plain bytes: it is sent as it is.
struct MemberFacts {
  int task = 0;
  int position = 0;  ///< in BandTask::members
  sky::CommonGridMember outline;
  model::SkyPoint stripe_begin, stripe_end;  ///< two points of a stripe in the middle of the image
  std::int64_t rows = 0;                     ///< of the turned image
  std::int64_t good_pixels = 0;
  double exposure_time = 0;  ///< seconds
};

/// Which measurement: pass A, repeated until the stripes are small where that is wanted, or pass B (large scales).
struct DestripePass {
  bool is_large_scale = false;
  int iteration = 0;
  std::string name() const { return is_large_scale ? "B" : "A" + std::to_string(iteration); }
};

struct DestripeTask {
  BandTask const* task = nullptr;
  DestripeOptions options;
  std::unique_ptr<LedgerBuilder> builder;
  bool failed = false;              ///< on all ranks: nothing more is done, nothing committed
  std::vector<int> members;         ///< records of the usable exposures, in catalogue order
  std::vector<MemberFacts> facts;   ///< of `members`
  std::string members_hash;         ///< which they are: what was measured without one of them is other work
  std::vector<bool> lost;           ///< [member]: it failed on the way; the same on all ranks
  std::vector<bool> overlaps;       ///< [member]: another exposure shares a block of sky with it
  std::vector<double> level;        ///< [member]: taken off before stacking (do_level_match)
  exchange::SkyPlan plan;           ///< on the common grid; positions are those in `members`
  std::vector<BlockOwners> owners;  ///< of the stack; one element once it is planned
  std::map<std::string, std::string> lost_before = {};  ///< [pass] who was lost when it began: its average is without
  int iterations_done = 0;                              ///< of pass A
  bool wants_pass = true;                               ///< takes part in the pass under way
  kernels::StripeCourse course = kernels::StripeCourse::None;
  std::int64_t window = 1;  ///< of the large-scale filter, pixels of the grid, odd

  store::ExposureRecord const& record(StepContext const& context, std::size_t member) const {
    return context.records[static_cast<std::size_t>(members[member])];
  }
  bool reads_noise() const {
    return options.stack == kernels::StackMethod::Mean && options.weight == DestripeWeight::ReadNoise;
  }
};

/// Has exposures and has not failed.
inline bool is_active(DestripeTask const& task) { return !task.failed && !task.members.empty(); }

/// Notes who is lost as a pass begins. The same on all ranks.
void note_lost_before(DestripeTask& task, DestripePass const& pass);

/// Item of the journal: the profile of a pass of an exposure.
std::string profile_item(DestripeTask const& task, DestripePass const& pass, model::ExposureIdentity const& identity);

/// The profile of one pass, and the number kept with it: largest |stripe| / ERR.
StripeProfile load_profile(DestripeTask const& task, DestripePass const& pass, model::ExposureIdentity const& identity,
                           double& largest_in_sigma);

/// What the iterations of pass A before `pass` found together; none where there was no such iteration.
std::optional<StripeProfile> find_profile(DestripeTask const& task, DestripePass const& pass,
                                          model::ExposureIdentity const& identity);

/// An exposure with the stripes of the passes before taken off.
struct DestripeExposure {
  exchange::LoadedExposure image;
  StripeLayout layout;
  std::int64_t bytes_read = 0;
};
DestripeExposure load_for_pass(StepContext const& context, DestripeTask const& task, std::size_t member,
                               DestripePass const& pass, bool read_noise);

/// What to add to the amplifiers of an image (P4), turned as the layout is; 0 for all where there is one only. With the
/// sky in the image the steps are taken at the borders themselves, and those that may be sky are left (4 sigma).
enum class SkyIn { Yes, No };
std::vector<double> find_amplifier_levels(StripeLayout const& layout, std::span<float const> image,
                                          std::span<std::uint8_t const> bad, SkyIn sky);
/// Of the exposure as it is.
std::vector<double> find_amplifier_levels(DestripeExposure const& exposure);
/// The same as a profile to subtract.
StripeProfile profile_of_levels(StripeLayout const& layout, std::vector<double> const& added);

/// Reads an exposure and says what it is. Throws InputError where it has no pixel that can be used.
MemberFacts examine_member(StepContext const& context, BandTask const& task, int position);

/// Leaves out members that lie further than 1 degree from the (median) middle of all: no band of a target is as large,
/// a WCS that says so is wrong. Returns a line a member left out, with its index in the task's records first.
std::vector<std::pair<int, std::string>> drop_strayed_members(DestripeTask& task);

/// The grid of the members, its blocks with the members that reach them, how stripes run on it.
void plan_task(StepContext const& context, DestripeTask& task);

}  // namespace tessera::steps
