#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"

#include <fmt/format.h>

#include <cmath>

#include "region_file.hpp"
#include "source_model.hpp"
#include "tessera/core/error.hpp"
#include "wisps.hpp"

namespace tessera::steps {

namespace {

void refuse_in_ledger(std::string const& parameter, std::string const& found) {
  throw ConfigError({.what = "this makes a model with a value of its own for every pixel",
                     .where = "single_tile_destripe." + parameter,
                     .expected = "on calibrated exposures, stripes of rows and columns only",
                     .found = found,
                     .remedy = "list single_tile_destripe before lv2, where it works on count rates, or unset it"});
}

}  // namespace

SingleTileDestripeOptions single_tile_options(config::ResolvedParameters const& parameters, StripesGoTo where) {
  SingleTileDestripeOptions options;
  options.quadrants = parameters.boolean("quadrants");
  options.vertical = parameters.boolean("vertical_subtraction");
  auto const method = parameters.text("destriping_method");
  if (method == "pca") {
    if (where == StripesGoTo::Ledger) refuse_in_ledger("destriping_method", "pca");
    options.pca.emplace();
    options.pca->components = static_cast<int>(parameters.integer("pca_components"));
    options.pca->reconstruct = static_cast<int>(parameters.integer("pca_reconstruct_components"));
  } else {
    options.rows = kernels::parse_row_stripes(method);
  }
  options.columns = kernels::parse_column_stripes(parameters.text("vertical_destriping_method"));
  options.filter_diffuse = parameters.boolean("filter_diffuse");
  options.min_mask_frac = parameters.real("min_mask_frac");
  options.sigma = parameters.real("sigma");
  options.npixels = static_cast<int>(parameters.integer("npixels"));
  options.dilate = static_cast<int>(parameters.integer("dilate_size"));
  options.maxiters = static_cast<int>(parameters.integer("max_iters"));
  options.extend_mode = kernels::parse_extend_mode(parameters.text("filter_extend_mode"));
  options.scales.clear();
  for (double const scale : parameters.numbers("filter_scales")) {
    if (!(scale >= 1 && scale <= 1e6) || std::floor(scale) != scale)
      throw ConfigError({.what = "not the length of a window",
                         .where = "single_tile_destripe.filter_scales",
                         .expected = "odd whole numbers of rows",
                         .found = fmt::format("{}", scale),
                         .remedy = "write e.g. [3, 7, 15, 31, 63, 127]"});
    auto const rows = static_cast<std::int64_t>(scale);
    options.scales.push_back(rows % 2 == 1 ? rows : rows - 1);
  }
  if (auto const file = parameters.optional_text("region_mask")) options.region_mask = *file;
  if (auto const file = parameters.optional_text("source_model")) options.source_model = *file;
  options.wisp_template = parameters.optional_text("wisp_template");
  if (options.wisp_template && where == StripesGoTo::Ledger) refuse_in_ledger("wisp_template", *options.wisp_template);
  options.save_model = parameters.boolean("save_model");
  return options;
}

void check_single_tile_files(SingleTileDestripeOptions const& options) {
  if (options.region_mask) read_region_file(*options.region_mask);
  if (options.source_model) check_source_model(*options.source_model);
  if (options.wisp_template) check_wisp_template(*options.wisp_template);
}

}  // namespace tessera::steps
