// The stars of exposures as tweakreg's parameters ask for them: from a finder, or from the user's catalogues.
#pragma once
#include <optional>
#include <vector>

#include "custom_catalogues.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/steps/tweakreg/tweakreg_options.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// The user's catalogues of a task, the same on all ranks; nullopt where its options ask for none. A list that cannot
/// be used is said in the log, and stars are searched for. Collective.
std::optional<CustomCatalogues> read_custom_catalogues(StepContext& context, BandTask const& task,
                                                       StarListOptions const& options);

/// Stars of one exposure; none where its catalogue cannot be used, which is said in the log. Independent.
std::vector<model::Star> list_stars(StepContext& context, StarListOptions const& options,
                                    std::optional<CustomCatalogues> const& custom, store::ExposureReader const& reader);

/// Writes a list to the products where the options ask for it and it is not the user's own: with the centres that the
/// alignment uses. Independent.
void save_stars(std::vector<model::Star> const& stars, BandTask const& task, StarListOptions const& options,
                std::optional<CustomCatalogues> const& custom, store::ExposureRecord const& record);

}  // namespace tessera::steps
