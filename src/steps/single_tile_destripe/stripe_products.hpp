// What a person may look at after single_tile_destripe: made from its ledger alone.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/model/header.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// stripes.csv: a line an exposure in the ledger, with the rms of what was found (unit of SCI).
std::string single_tile_table(StepContext const& context, BandTask const& task, store::Ledger const& ledger);

/// plots/<exposure>_single_tile_destripe.png: all stripes of the first exposure that has any. Takes 12 bytes a pixel.
void draw_noise_model(StepContext const& context, BandTask const& task, store::Ledger const& ledger);

/// All corrections of the entries as an image [ny][nx]: what is subtracted.
std::vector<float> draw_noise(store::ExposureRecord const& record, std::vector<model::LedgerEntry> const& entries);

/// FOLDER/EXPOSURE_stripes.fits (with the half in the name where there is one): what the entries subtract, as image
/// MODEL. Throws IoError.
void write_noise_model(store::ExposureRecord const& record, std::vector<model::LedgerEntry> const& entries,
                       std::filesystem::path const& folder);

/// A file with one image, MODEL, of rows of nx pixels.
void write_model_file(std::filesystem::path const& path, model::Header primary_header, model::Header image_header,
                      std::vector<float> const& model, std::int64_t nx);

}  // namespace tessera::steps
