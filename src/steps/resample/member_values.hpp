// The header values of the exposures of a mosaic. Private to resample.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "keyword_table.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"

namespace tessera::steps {

/// Values of one exposure, one for each of image_keywords(), as the header's value text; nullopt where there is none.
struct MemberValues {
  std::string file_name;
  std::vector<std::optional<std::string>> values;
};

/// Reads all members' headers, with what `ledger` says of its steps, divided over the ranks of `group`; all on its
/// root, in member order (about 15 KB each), none elsewhere. Collective.
std::vector<MemberValues> gather_member_values(parallel::Communicator const& group, MosaicPlan const& plan,
                                               std::vector<store::ExposureRecord> const& records,
                                               store::Ledger const& ledger);

}  // namespace tessera::steps
