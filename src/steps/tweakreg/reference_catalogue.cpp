#include "reference_catalogue.hpp"

#include <algorithm>
#include <cctype>

#include "tessera/core/error.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/store/star_catalogue.hpp"

namespace tessera::steps {

namespace {

/// Julian year of the first exposure whose date is known.
std::optional<double> epoch_of(BandTask const& task, std::vector<store::ExposureRecord> const& records) {
  for (int const member : task.members)
    if (auto const start = records[static_cast<std::size_t>(member)].expstart)
      return 2000 + (*start - 51544.5) / 365.25;
  return std::nullopt;
}

/// "fit_<name lower>_ref.ecsv": the name as it was given, or that of the file.
std::filesystem::path saved_path(BandTask const& task, std::string const& abs_refcat) {
  auto name = std::filesystem::path(abs_refcat).stem().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return task.products / ("fit_" + name + "_ref.ecsv");
}

void save(std::vector<model::Star> const& stars, std::filesystem::path const& path) {
  std::vector<double> ra, dec, weight;
  for (auto const& star : stars) {
    ra.push_back(star.ra);
    dec.push_back(star.dec);
    weight.push_back(star.weight);
  }
  io::SourceTable table;
  table.columns.push_back({"RA", "deg", "ICRS, at the epoch of the first exposure", std::move(ra), ""});
  table.columns.push_back({"DEC", "deg", "", std::move(dec), ""});
  table.columns.push_back({"weight", "", "", std::move(weight), ""});
  std::filesystem::create_directories(path.parent_path());
  io::write_table(path, table);
}

}  // namespace

ReferenceCatalogue read_reference_catalogue(BandTask const& task, TweakregStepOptions const& options,
                                            std::vector<store::ExposureRecord> const& records) {
  ReferenceCatalogue reference;
  try {
    auto const path = absolute_catalogue(options, task.target, task.alignment_dir);
    if (!path) return reference;
    auto catalogue = store::read_star_catalogue(*path, epoch_of(task, records));
    for (auto const& warning : catalogue.warnings) reference.warnings.push_back(path->string() + ": " + warning);
    reference.stars = std::move(catalogue.stars);
  } catch (InputError const& error) {
    reference.problem = error.what();
    return reference;
  }
  if (options.save_abs_catalog) save(reference.stars, saved_path(task, options.abs_refcat));
  return reference;
}

}  // namespace tessera::steps
