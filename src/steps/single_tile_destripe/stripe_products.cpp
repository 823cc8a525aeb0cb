#include "stripe_products.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tessera/io/fits_write.hpp"
#include "tessera/io/quicklook.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

using model::StripeCorrection;

/// Stripes run along the rows of the image, or along its columns where the fast axis of the readout is y.
struct FoundStripes {
  double rms_rows = 0, rms_columns = 0;
  double lowest_level = 0, highest_level = 0;  ///< taken off amplifiers
  std::size_t amplifiers = 1;
};

bool is_constant(std::vector<float> const& values) {
  return std::all_of(values.begin(), values.end(), [&](float value) { return value == values.front(); });
}

double rms_of(StripeCorrection const& stripes) {
  double squares = 0;
  std::size_t count = 0;
  for (auto const& profile : stripes.profile)
    for (float const value : profile) {
      squares += static_cast<double>(value) * static_cast<double>(value);
      ++count;
    }
  return std::sqrt(squares / static_cast<double>(std::max<std::size_t>(1, count)));
}

FoundStripes describe(std::vector<model::LedgerEntry> const& entries) {
  FoundStripes found;
  for (auto const& entry : entries) {
    auto const* stripes = std::get_if<StripeCorrection>(&entry.correction);
    if (!stripes) continue;
    found.amplifiers = std::max(found.amplifiers, stripes->profile.size());
    if (std::all_of(stripes->profile.begin(), stripes->profile.end(), is_constant)) {
      for (auto const& profile : stripes->profile) {
        found.lowest_level = std::min(found.lowest_level, static_cast<double>(profile.front()));
        found.highest_level = std::max(found.highest_level, static_cast<double>(profile.front()));
      }
      continue;
    }
    (stripes->direction == StripeCorrection::Direction::Rows ? found.rms_rows : found.rms_columns) = rms_of(*stripes);
  }
  return found;
}

char const* half_name(model::Half half) {
  return half == model::Half::Whole ? "whole" : half == model::Half::Imager ? "imager" : "lyot";
}

}  // namespace

std::string single_tile_table(StepContext const& context, BandTask const& task, store::Ledger const& ledger) {
  std::string table = "exposure,half,amplifiers,rms_rows,rms_columns,lowest_level,highest_level\n";
  for (int const member : task.members) {
    auto const& identity = context.records[static_cast<std::size_t>(member)].identity;
    auto const found = describe(ledger.entries(identity));
    table += fmt::format("{},{},{},{:.6g},{:.6g},{:.6g},{:.6g}\n", identity.exposure, half_name(identity.half),
                         found.amplifiers, found.rms_rows, found.rms_columns, found.lowest_level, found.highest_level);
  }
  return table;
}

std::vector<float> draw_noise(store::ExposureRecord const& record, std::vector<model::LedgerEntry> const& entries) {
  model::RowBand band;
  band.nx = record.nx;
  band.y1 = record.ny;
  std::vector<double> sci(static_cast<std::size_t>(band.pixel_count()), 0.0);
  for (auto const& entry : entries) store::apply_correction(entry, band, sci);
  std::vector<float> taken_off;
  taken_off.reserve(sci.size());
  for (double const value : sci) taken_off.push_back(static_cast<float>(-value));
  return taken_off;
}

void write_noise_model(store::ExposureRecord const& record, std::vector<model::LedgerEntry> const& entries,
                       std::filesystem::path const& folder) {
  auto const& identity = record.identity;
  auto name = identity.exposure;
  if (identity.half != model::Half::Whole) name += std::string("_") + half_name(identity.half);
  model::Header image;
  image.set("BUNIT", record.unit, "physical units of the array values");
  write_model_file(folder / (name + "_stripes.fits"), {}, std::move(image), draw_noise(record, entries), record.nx);
}

void draw_noise_model(StepContext const& context, BandTask const& task, store::Ledger const& ledger) {
  for (int const member : task.members) {
    auto const& record = context.records[static_cast<std::size_t>(member)];
    auto const entries = ledger.entries(record.identity);
    if (entries.empty()) continue;
    auto const folder = task.products / "plots";
    std::filesystem::create_directories(folder);
    io::write_quicklook(folder / (record.identity.exposure + "_single_tile_destripe.png"), draw_noise(record, entries),
                        record.nx, record.ny,
                        {.stretch = io::QuicklookOptions::Stretch::Linear,
                         .low_percentile = 1,
                         .high_percentile = 99,
                         .unit = record.unit,
                         .title = record.identity.exposure + " stripes"});
    return;
  }
}

void write_model_file(std::filesystem::path const& path, model::Header primary_header, model::Header image_header,
                      std::vector<float> const& model, std::int64_t nx) {
  io::HduPlan primary, plane;
  primary.header = std::move(primary_header);
  plane.extname = "MODEL";
  plane.bitpix = -32;
  plane.axes = {nx, static_cast<std::int64_t>(model.size()) / nx};
  plane.header = std::move(image_header);
  std::vector<std::byte> bytes(model.size() * sizeof(float));
  io::to_big_endian(model, bytes.data());
  std::filesystem::create_directories(path.parent_path());
  io::write_fits(path, {primary, plane}, {{}, std::move(bytes)});
}

}  // namespace tessera::steps
