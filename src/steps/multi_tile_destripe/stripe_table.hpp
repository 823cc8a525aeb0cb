// The table of what was measured: one line an exposure.
#pragma once
#include <span>
#include <string>

#include "destripe_task.hpp"

namespace tessera::steps {

/// What the table says of an exposure. Plain bytes: it is sent as it is.
struct StripeLine {
  int task = 0, member = 0;
  int iterations = 0;           ///< of pass A
  double rms_a = 0, rms_b = 0;  ///< of the row stripes of a pass, about the level of each amplifier; unit of SCI
  double largest_in_sigma = 0;  ///< largest |stripe| / ERR of the last iteration of pass A
  double lowest_level = 0, highest_level = 0;  ///< that amplifiers were moved by; 0 of one
};

/// Fills in what the profiles say.
void describe_profiles(StripeProfile const& first, StripeProfile const* second, StripeLine& line);

/// "exposure,half,overlaps,stack_level,iterations,..." and one line for each, in catalogue order. `lines` are of the
/// task.
std::string stripe_table(StepContext const& context, DestripeTask const& task, std::span<StripeLine const> lines);

}  // namespace tessera::steps
