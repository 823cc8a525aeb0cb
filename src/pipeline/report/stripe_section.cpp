// Stripes: how strong they were, and the models of one exposure of each band.
#include <fmt/format.h>

#include <algorithm>

#include "csv_table.hpp"
#include "html.hpp"
#include "report_view.hpp"
#include "svg.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// Stripes that are the same along the whole profile are levels of amplifiers: nothing to draw.
constexpr std::size_t ExposuresToTry = 5, MostPictures = 2;

struct StripeModel {
  std::string exposure, operation;
  std::vector<std::vector<float>> profiles;  ///< [amplifier]
};

bool varies(std::vector<float> const& values) {
  return std::any_of(values.begin(), values.end(), [&](float value) { return value != values.front(); });
}

/// All stripe profiles of the first exposure that has some.
std::vector<StripeModel> first_models(fs::path const& ledger) {
  std::vector<StripeModel> models;
  try {
    io::Hdf5File const file(ledger, io::Hdf5File::Mode::ReadOnly);
    if (!file.has("exposures")) return models;
    auto exposures = file.names("exposures");
    exposures.resize(std::min(exposures.size(), ExposuresToTry));
    for (auto const& exposure : exposures) {
      for (auto const& entry : file.names("exposures/" + exposure)) {
        auto const group = "exposures/" + exposure + "/" + entry;
        auto const operation = file.text_attribute(group, "operation");
        if (!operation.starts_with("stripes_")) continue;
        auto const values = file.read_floats(group + "/profile");
        auto const bounds = file.read_integers(group + "/bounds");
        if (bounds.size() < 2 || values.empty() || !varies(values)) continue;
        auto const amplifiers = bounds.size() - 1, length = values.size() / amplifiers;
        StripeModel model{exposure, operation, {}};
        for (std::size_t a = 0; a < amplifiers; ++a)
          model.profiles.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(a * length),
                                      values.begin() + static_cast<std::ptrdiff_t>((a + 1) * length));
        models.push_back(std::move(model));
      }
      if (!models.empty()) return models;
    }
  } catch (Error const&) {
    models.clear();
  }
  return models;
}

std::string with_blanks(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

/// Median and largest of every column of rms.
std::string strengths(CsvTable const& stripes) {
  std::string text;
  for (auto const& name : stripes.names) {
    if (!name.starts_with("rms") && !name.starts_with("row_noise")) continue;
    if (auto const summary = summarise(stripes.numbers(name)))
      text += fmt::format("{}{}: {} (largest {})", text.empty() ? "" : "<br>", escape_html(with_blanks(name)),
                          number_text(summary->median, 3), number_text(summary->largest, 3));
  }
  return text;
}

std::vector<fs::path> pictures_in(fs::path const& folder) {
  std::vector<fs::path> pictures;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error))
    if (item->path().extension() == ".png") pictures.push_back(item->path());
  std::sort(pictures.begin(), pictures.end());
  return pictures;
}

}  // namespace

std::string stripes_section(ReportView& view, ReportTarget const& target) {
  HtmlTable table({"band", "step", "exposures", "median over the exposures", "files"});
  std::string figures;
  for (auto const& band : target.bands)
    for (auto const* step : {"single_tile_destripe", "multi_tile_destripe"}) {
      auto const folder = view.products(step, target.name, band);
      if (!folder) continue;
      if (auto const stripes = read_csv(*folder / "stripes.csv")) {
        std::vector<fs::path> const files{*folder / "stripes.csv", *folder / "joint_exposures.csv",
                                          *folder / "joint_rows.csv", *folder / "joint_sky_lines.csv"};
        table.add({escape_html(band), step, fmt::format("{}", stripes->rows.size()), strengths(*stripes),
                   links_to(view.page, files)});
      }
      if (auto const work = view.find(step, target.name, band); work && fs::exists(work.ledger()))
        for (auto const& model : first_models(work.ledger())) {
          auto const title = fmt::format("{}, {} of {}: {}", step, with_blanks(model.operation), band, model.exposure);
          figures += view.figure(curves_svg(title, model.profiles, "row or column", ""), title);
        }
      auto pictures = pictures_in(*folder / "plots");
      pictures.resize(std::min(pictures.size(), MostPictures));
      for (auto const& picture : pictures)
        figures += view.plots.figure(picture, fmt::format("{} {}", band, picture.stem().string()));
    }
  if (table.size() == 0 && figures.empty()) return "";
  return "<h3>Stripes</h3>\n" + table.html() + side_by_side(figures);
}

}  // namespace tessera::pipeline
