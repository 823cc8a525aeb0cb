#include "mosaic_solution.hpp"

#include <nlohmann/json.hpp>

#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

using nlohmann::json;

constexpr std::array<AlignMode, 5> Modes{AlignMode::None, AlignMode::Catalogue, AlignMode::BandStars, AlignMode::Mapped,
                                         AlignMode::Correlation};
constexpr std::array<exchange::AlignStatus, 11> Statuses{
    exchange::AlignStatus::NotAligned,    exchange::AlignStatus::Reference,     exchange::AlignStatus::Success,
    exchange::AlignStatus::NoSources,     exchange::AlignStatus::TooFewMatches, exchange::AlignStatus::Confused,
    exchange::AlignStatus::Insignificant, exchange::AlignStatus::Ambiguous,     exchange::AlignStatus::TooLarge,
    exchange::AlignStatus::NoOverlap,     exchange::AlignStatus::Singular};

std::filesystem::path beside(std::filesystem::path const& mosaic, char const* end) {
  return mosaic.parent_path() / (mosaic.stem().string() + end);
}

}  // namespace

char const* align_mode_name(AlignMode mode) {
  static constexpr std::array<char const*, 5> Names{"none", "catalogue", "band_stars", "mapped", "cross_corr"};
  return Names.at(static_cast<std::size_t>(mode));
}

std::string to_json(MosaicSolution const& s) {
  constexpr double Arcsec = 3600 * sky::DegreesPerRadian;
  json const values{{"target", s.target},
                    {"band", s.band},
                    {"aligned", s.is_aligned()},
                    {"mode", align_mode_name(s.mode)},
                    {"reference", s.reference},
                    {"status", exchange::status_text(s.status)},
                    {"reason", s.reason},
                    {"warnings", s.warnings},
                    {"iterations", s.iterations},
                    {"shift", s.pixel_move.shift},
                    {"matrix", s.pixel_move.matrix},
                    {"plane",
                     {{"tangent_deg", {s.tangent.ra, s.tangent.dec}},
                      {"shift_rad", s.move.shift},
                      {"shift_arcsec", {s.move.shift[0] * Arcsec, s.move.shift[1] * Arcsec}},
                      {"matrix", s.move.matrix}}},
                    {"pixel_scale_arcsec", s.pixel_scale},
                    {"sources", s.sources},
                    {"references", s.references},
                    {"pairs", s.pairs},
                    {"matches", s.matches},
                    {"rmse_arcsec", s.rmse},
                    {"mae_arcsec", s.mae},
                    {"rms_before_arcsec", s.rms_before},
                    {"expected_by_chance", s.expected_by_chance},
                    {"log10_chance", s.log10_chance},
                    {"tolerance_pixel", s.tolerance},
                    {"error_arcsec", s.error},
                    {"epoch", s.epoch}};
  return values.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

MosaicSolution solution_from_json(std::string const& text) {
  auto const values = json::parse(text);
  MosaicSolution s;
  s.target = values.at("target");
  s.band = values.at("band");
  s.reference = values.at("reference");
  s.reason = values.at("reason");
  for (auto const mode : Modes)
    if (values.at("mode") == align_mode_name(mode)) s.mode = mode;
  for (auto const status : Statuses)
    if (values.at("status") == exchange::status_text(status)) s.status = status;
  s.warnings = values.at("warnings").get<std::vector<std::string>>();
  s.iterations = values.at("iterations").get<std::vector<std::string>>();
  s.pixel_move.shift = values.at("shift").get<std::array<double, 2>>();
  s.pixel_move.matrix = values.at("matrix").get<kernels::Matrix2>();
  auto const& plane = values.at("plane");
  s.tangent = {plane.at("tangent_deg").at(0), plane.at("tangent_deg").at(1)};
  s.move.shift = plane.at("shift_rad").get<std::array<double, 2>>();
  s.move.matrix = plane.at("matrix").get<kernels::Matrix2>();
  s.pixel_scale = values.at("pixel_scale_arcsec");
  s.sources = values.at("sources");
  s.references = values.at("references");
  s.pairs = values.at("pairs");
  s.matches = values.at("matches");
  s.rmse = values.at("rmse_arcsec");
  s.mae = values.at("mae_arcsec");
  s.rms_before = values.at("rms_before_arcsec");
  s.expected_by_chance = values.at("expected_by_chance");
  s.log10_chance = values.at("log10_chance");
  s.tolerance = values.at("tolerance_pixel");
  s.error = values.at("error_arcsec").get<std::array<double, 2>>();
  s.epoch = values.at("epoch");
  return s;
}

std::filesystem::path align_json_path(std::filesystem::path const& mosaic) { return beside(mosaic, "_align.json"); }
std::filesystem::path align_table_path(std::filesystem::path const& mosaic) {
  return beside(mosaic, "_align_table.fits");
}

}  // namespace tessera::steps
