#include "calibrate_exposure.hpp"

#include <filesystem>

#include "tessera/core/contract.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/kernels/flat_field.hpp"
#include "tessera/refs/photom_reference.hpp"
#include "tessera/steps/lv2/assign_wcs.hpp"
#include "tessera/steps/lv2/cal_file.hpp"
#include "tessera/steps/lv2/off_backgrounds.hpp"
#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"

namespace tessera::steps {

namespace {

constexpr double MicrojanskyPerSquareArcsec = 23.50443053909789;  ///< of one MJy/sr: 1e12 (pi / 648000)^2
std::string const NotApplicable = "N/A";

std::string reference_of(RateRecord const& record, std::string const& type) {
  auto const found = record.references.find(type);
  return found == record.references.end() ? NotApplicable : found->second;
}

void set_reference(RateRecord const& record, std::string const& type, model::ExposureImage& image) {
  auto const found = record.reference_keywords.find(type);
  set_reference_keyword(image.primary, type, found == record.reference_keywords.end() ? NotApplicable : found->second);
}

/// bkg_subtract.
void subtract_offs(CalibrationItem const& item, model::ExposureImage& image) {
  auto const background = read_off_background(item.background, image.window);
  kernels::subtract_background(background.sci, background.dq, image.planes);
  set_step_status(image.primary, "S_BKDSUB", true);
  image.primary.set("TSRBKGN", item.background_count, "tessera: exposures in the combined background");
  image.primary.set("TSRBKGF", item.background.filename().string(), "tessera: combined background");
  if (item.days_to_backgrounds)
    image.primary.set("DT_BGR", *item.days_to_backgrounds, "[d] middle of exposure less mean of backgrounds");
}

/// photom: the area plane first, whatever the table of conversions says.
void convert_to_surface_brightness(RateRecord const& record, model::ExposureImage& image) {
  auto const photom = reference_of(record, "photom"), area = reference_of(record, "area");
  set_reference(record, "photom", image);
  set_reference(record, "area", image);
  if (photom == NotApplicable) {
    set_step_status(image.primary, "S_PHOTOM", false);
    return;
  }
  auto const conversion = refs::read_photom(photom, image.primary, record.options.apply_time_correction);
  auto pixar_sr = conversion.pixar_sr, pixar_a2 = conversion.pixar_a2;
  if (area != NotApplicable) {
    auto reference = refs::read_area(area, image.window);
    image.area = std::move(reference.area);
    if (reference.pixar_sr) pixar_sr = reference.pixar_sr;
    if (reference.pixar_a2) pixar_a2 = reference.pixar_a2;
  }
  if (pixar_sr) image.sci_header.set("PIXAR_SR", *pixar_sr, "Nominal pixel area in steradians");
  if (pixar_a2) image.sci_header.set("PIXAR_A2", *pixar_a2, "Nominal pixel area in arcsec^2");
  if (!conversion.photmjsr)
    throw InputError({.what = "the photom reference has no row for this exposure",
                      .where = image.path,
                      .expected = "a row of " + photom + " with " + conversion.row,
                      .found = "none",
                      .remedy = "override photom, or take the exposure out; jwst would leave it in DN/s"});
  kernels::convert_unit(image.planes, *conversion.photmjsr, record.options.inverse_photom,
                        record.options.before_version_1_16);
  image.sci_header.set("PHOTMJSR", *conversion.photmjsr, "Flux density (MJy/steradian) producing 1 cps");
  image.sci_header.set("PHOTUJA2", *conversion.photmjsr * MicrojanskyPerSquareArcsec,
                       "Flux density (uJy/arcsec2) producing 1 cps");
  image.sci_header.set("BUNIT", record.options.inverse_photom ? "DN/s" : "MJy/sr",
                       "physical units of the array values");
  set_step_status(image.primary, "S_PHOTOM", true);
}

/// What single_tile_destripe took off: a line of the table, a picture of one exposure a detector, and the model as FITS
/// where it is asked for.
void keep_noise_model(CalibrationBand const& band, CalibrationItem const& item, RateRecord const& record,
                      model::ExposureImage const& image, DestripedTile const& tile) {
  auto const& root = record.identity.exposure;
  auto const tables = band.destripe_folder / "tables";
  std::filesystem::create_directories(tables);
  if (item.draws_stripes)
    draw_destriped(band.destripe_folder / "plots" / (root + "_single_tile_destripe.png"), image, tile);
  io::write_file(tables / (root + ".csv"), destriped_table_head() + destriped_table_line(image, tile));
  if (band.destripe.boolean("save_model"))
    write_stripe_model(band.destripe_folder / (root + "_stripes.fits"), image, tile);
}

/// <root>_cal.fits -> <root>_<suffix>.fits
std::filesystem::path intermediate_path(std::filesystem::path const& product, std::string const& suffix) {
  auto name = product.filename().string();
  name.replace(name.rfind("_cal.fits"), std::string::npos, "_" + suffix + ".fits");
  return product.parent_path() / name;
}

/// <product>_combinedbackground.fits as the official step leaves it: another name of the one that exposures share.
void link_background(CalibrationItem const& item) {
  namespace fs = std::filesystem;
  auto const link = intermediate_path(item.product, "combinedbackground");
  auto const beside = fs::path(link.string() + ".new");
  std::error_code error;
  fs::remove(beside, error);
  fs::create_hard_link(item.background, beside, error);
  if (error) fs::copy_file(item.background, beside, fs::copy_options::overwrite_existing);
  fs::rename(beside, link);
  fs::remove(beside);  // it is still there where both were names of one file already
}

}  // namespace

StageClock::StageClock() : last_(std::chrono::steady_clock::now()) {
  for (auto const* stage :
       {"read", "single_tile_destripe", "bkg_subtract", "assign_wcs", "flat_field", "photom", "write"})
    seconds_.emplace_back(stage, 0.0);
}

void StageClock::charge(std::string_view stage) {
  auto const now = std::chrono::steady_clock::now();
  for (auto& [name, seconds] : seconds_)
    if (name == stage) seconds += std::chrono::duration<double>(now - last_).count();
  last_ = now;
}

std::int64_t calibration_bytes(RateRecord const& record, std::vector<ExposureOperation> const& operations) {
  constexpr std::int64_t Flat = 3 * 4, Area = 4, Background = 2 * 4;
  std::int64_t a_pixel = exposure_image_bytes() + Flat + Area + Background;
  for (auto const operation : operations)
    if (operation == ExposureOperation::SingleTileDestripe) a_pixel += destripe_exposure_bytes();
  return record.window.nx * record.window.ny * a_pixel;
}

refs::FlatReference const* ExposureCalibrator::flat_of(RateRecord const& record) {
  auto const path = reference_of(record, "flat");
  if (path == NotApplicable) return nullptr;
  auto const& window = record.window;
  auto key = fmt::format("{} {} {} {} {}", path, window.x_start, window.y_start, window.nx, window.ny);
  if (key != flat_key_) {
    flat_key_.clear();
    flat_ = refs::read_flat(path, window);
    flat_key_ = std::move(key);
  }
  return flat_ ? &*flat_ : nullptr;
}

void ExposureCalibrator::destripe(RateRecord const& record, CalibrationBand const& band, CalibrationItem const& item,
                                  bool is_calibrated, model::ExposureImage& image) {
  auto const distortion = reference_of(record, "distortion"), filteroffset = reference_of(record, "filteroffset");
  double conversion = 1;
  if (!is_calibrated)
    if (auto const photom = reference_of(record, "photom"); photom != NotApplicable)
      conversion =
          refs::read_photom(photom, image.primary, record.options.apply_time_correction).photmjsr.value_or(1.0);
  std::shared_ptr<sky::Gwcs const> wcs;
  if (distortion != NotApplicable) wcs = make_wcs(image, distortion, filteroffset == NotApplicable ? "" : filteroffset);
  auto const* flat = is_calibrated || record.options.skip_flat_field ? nullptr : flat_of(record);
  auto const tile = destripe_exposure(image, flat, wcs.get(), conversion, band.destripe);
  image.primary.add_history("tessera: single_tile_destripe");
  keep_noise_model(band, item, record, image, tile);
  if (!is_calibrated && band.destripe.boolean("save_results") && item.operations.size() > 1)
    write_rate(band.destripe_folder / (record.identity.exposure + "_rate.fits"), image);
  clock_.charge("single_tile_destripe");
}

std::shared_ptr<sky::Gwcs const> ExposureCalibrator::calibrate(RateRecord const& record, CalibrationItem const& item,
                                                               model::ExposureImage& image) {
  auto const& options = record.options;
  if (options.skip_bkg_subtract) set_step_status(image.primary, "S_BKDSUB", false);
  if (!item.background.empty()) {
    subtract_offs(item, image);
    if (options.save_bsub) write_rate(intermediate_path(item.product, "bsub"), image);
  }
  clock_.charge("bkg_subtract");
  std::shared_ptr<sky::Gwcs const> wcs;
  if (!options.skip_assign_wcs) {
    auto const filteroffset = reference_of(record, "filteroffset");
    wcs = assign_wcs(image, reference_of(record, "distortion"), filteroffset == NotApplicable ? "" : filteroffset,
                     options);
    set_reference(record, "distortion", image);
    set_reference(record, "filteroffset", image);
  }
  set_step_status(image.primary, "S_WCS", wcs != nullptr);
  clock_.charge("assign_wcs");
  auto const* flat = options.skip_flat_field ? nullptr : flat_of(record);
  if (!options.skip_flat_field) set_reference(record, "flat", image);
  if (flat)
    kernels::flat_field(flat->sci, flat->err, flat->dq, image.planes,
                        {.inverse = options.inverse_flat, .before_version_1_16 = options.before_version_1_16});
  set_step_status(image.primary, "S_FLAT", flat != nullptr);
  clock_.charge("flat_field");
  if (options.skip_photom)
    set_step_status(image.primary, "S_PHOTOM", false);
  else
    convert_to_surface_brightness(record, image);
  clock_.charge("photom");
  return wcs;
}

void ExposureCalibrator::make(RateRecord const& record, CalibrationBand const& band, CalibrationItem const& item,
                              StepCounts& counts) {
  parallel::MemoryBudget::Reservation const held(budget_, "calibrating " + record.path,
                                                 calibration_bytes(record, item.operations));
  clock_.start();
  auto image = read_rate(record.path, record.identity);
  counts.bytes_read += record.file_bytes;
  clock_.charge("read");
  bool is_calibrated = false;
  std::shared_ptr<sky::Gwcs const> wcs;
  for (auto const operation : item.operations) {
    if (operation == ExposureOperation::Lv2) {
      wcs = calibrate(record, item, image);
      is_calibrated = true;
    } else {
      destripe(record, band, item, is_calibrated, image);
    }
  }
  std::filesystem::create_directories(item.product.parent_path());
  std::filesystem::remove(store::manifest_path(item.product));  // of the pixels that are replaced now
  set_reference_context(image.primary, band.crds_context);
  if (is_calibrated) set_association_table(image.primary, band.association);
  if (is_calibrated)
    write_cal(item.product, image, wcs.get());
  else
    write_rate(item.product, image);
  if (is_calibrated && record.options.save_combined_background && !item.background.empty()) link_background(item);
  store::write_manifest(item.product, item.manifest);
  counts.bytes_written += static_cast<std::int64_t>(std::filesystem::file_size(item.product));
  clock_.charge("write");
}

}  // namespace tessera::steps
