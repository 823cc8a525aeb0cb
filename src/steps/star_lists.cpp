#include "star_lists.hpp"

#include <numeric>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/store/star_catalogue.hpp"

namespace tessera::steps {

namespace {

/// "<root of the file>_cat.<format>", with the half where the exposure was split.
std::filesystem::path saved_path(store::ExposureRecord const& record, BandTask const& task, std::string const& format) {
  auto name = std::filesystem::path(record.path).filename().string();
  name = name.substr(0, name.find(".fits"));
  if (record.identity.half == model::Half::Imager) name += "_imager";
  if (record.identity.half == model::Half::Lyot) name += "_lyot";
  return task.products / (name + "_cat." + format);
}

void save_list(std::vector<model::Star> const& stars, std::filesystem::path const& path) {
  std::vector<std::int64_t> id(stars.size());
  std::iota(id.begin(), id.end(), 1);
  std::vector<double> x, y, flux;
  for (auto const& star : stars) {
    x.push_back(star.x);
    y.push_back(star.y);
    flux.push_back(star.flux);
  }
  io::SourceTable table;
  table.columns.push_back({"id", "", "", std::move(id), ""});
  table.columns.push_back({"x", "pixel", "0-based", std::move(x), ""});
  table.columns.push_back({"y", "pixel", "0-based", std::move(y), ""});
  table.columns.push_back({"flux", "", "", std::move(flux), ""});
  std::filesystem::create_directories(path.parent_path());
  io::write_table(path, table);
}

std::vector<model::Star> read_user_list(std::filesystem::path const& path, store::ExposureRecord const& record) {
  try {
    auto catalogue = store::read_image_catalogue(path);
    for (auto const& warning : catalogue.warnings) log::warn("{}: {}", path.string(), warning);
    return std::move(catalogue.stars);
  } catch (InputError const& error) {
    log::warn("{} has no sources to be aligned by: {}", record.identity.label(), error.what());
    return {};
  }
}

}  // namespace

std::optional<CustomCatalogues> read_custom_catalogues(StepContext& context, BandTask const& task,
                                                       StarListOptions const& options) {
  if (!options.use_custom_catalogs) return std::nullopt;
  if (options.catfile.empty()) {
    if (context.world.is_root())
      log::warn("{} {}: use_custom_catalogs without a catfile: stars are searched for", task.step, task.label());
    return std::nullopt;
  }
  std::string text;
  if (context.world.is_root()) {
    try {
      auto const custom = read_catfile(find_catfile(options.catfile, task.alignment_dir));
      text = custom.catfile.string();
      for (auto const& [image, path] : custom.of_image) text += "\n" + image + "\n" + path.string();
    } catch (InputError const& error) {
      log::warn("{} {}: stars are searched for: {}", task.step, task.label(), error.what());
    }
  }
  text = context.world.broadcast(text);
  if (text.empty()) return std::nullopt;
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    auto const end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  CustomCatalogues custom;
  custom.catfile = lines.front();
  for (std::size_t k = 1; k + 1 < lines.size(); k += 2) custom.of_image[lines[k]] = lines[k + 1];
  return custom;
}

std::vector<model::Star> list_stars(StepContext& context, StarListOptions const& options,
                                    std::optional<CustomCatalogues> const& custom,
                                    store::ExposureReader const& reader) {
  auto const& record = reader.record();
  auto const path = custom ? custom->find(record) : std::nullopt;
  if (path) return read_user_list(*path, record);
  parallel::MemoryBudget::Reservation const held(context.budget, "stars of one exposure",
                                                 exchange::exposure_stars_bytes(record));
  return exchange::find_exposure_stars(reader, options.finder);
}

void save_stars(std::vector<model::Star> const& stars, BandTask const& task, StarListOptions const& options,
                std::optional<CustomCatalogues> const& custom, store::ExposureRecord const& record) {
  if (!options.save || (custom && custom->find(record))) return;
  save_list(stars, saved_path(record, task, options.format));
}

}  // namespace tessera::steps
