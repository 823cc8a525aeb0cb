#include "background_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "combine_rows.hpp"
#include "off_reader.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::steps {

namespace {

/// What all offs of a list have in common.
constexpr std::array CommonKeywords = {"TELESCOP", "INSTRUME", "DETECTOR", "CHANNEL",  "MODULE",   "FILTER",
                                       "PUPIL",    "EXP_TYPE", "READPATT", "SUBARRAY", "FASTAXIS", "SLOWAXIS"};

model::Header make_primary(OffBackground const& background, model::Header const& first_off) {
  model::Header header;
  for (auto const& card : first_off.cards())
    if (std::find(CommonKeywords.begin(), CommonKeywords.end(), card.keyword()) != CommonKeywords.end())
      header.append(card);
  auto const number = [&](char const* keyword, std::int64_t value, char const* comment) {
    header.set(keyword, static_cast<long long>(value), comment);
  };
  number("SUBSTRT1", background.window.x_start, "Starting pixel in axis 1 direction");
  number("SUBSTRT2", background.window.y_start, "Starting pixel in axis 2 direction");
  number("SUBSIZE1", background.window.nx, "Number of pixels in axis 1 direction");
  number("SUBSIZE2", background.window.ny, "Number of pixels in axis 2 direction");
  header.set("DATAMODL", "ImageModel", "Type of data model");
  header.set("FILENAME", background.product.filename().string(), "Name of the file");
  number("NBKG", static_cast<std::int64_t>(background.offs.size()), "exposures of an empty field");
  header.set("BKGSIGMA", background.clip.sigma, "clip, standard deviations about the median");
  if (background.clip.maxiters) header.set("BKGITERS", *background.clip.maxiters, "most rounds of the clip");
  header.set("BKGMASK", background.mask_sources, "sources of the exposures left out");
  header.add_history(fmt::format("combined by tessera {}", build_facts().version));
  for (auto const& off : background.offs)
    header.add_history(off.weight == 1 ? off.label : fmt::format("{} weight {:.6g}", off.label, off.weight));
  return header;
}

io::HduPlan plan_plane(OffBackground const& background, std::string const& name, int bitpix, std::string const& unit) {
  io::HduPlan plan;
  plan.extname = name;
  plan.bitpix = bitpix;
  plan.axes = {background.window.nx, background.window.ny};
  if (!unit.empty()) plan.header.set("BUNIT", unit);
  return plan;
}

[[noreturn]] void refuse_window(std::filesystem::path const& product, std::string const& found,
                                model::DetectorWindow const& window) {
  throw InputError(
      {.what = "a combined background of another part of the detector",
       .where = product.string(),
       .expected = fmt::format("{} x {} pixels from ({}, {})", window.nx, window.ny, window.x_start, window.y_start),
       .found = found,
       .remedy = "remove it, so that it is made again"});
}

}  // namespace

std::int64_t write_off_background(OffBackground const& background, ImageRows& whole) {
  namespace plane = combined_plane;
  OffReader const first(background.offs.front(), background.window);
  auto const unit = first.sci_unit();
  std::vector<io::HduPlan> plans(1);
  plans.front().header = make_primary(background, first.primary());
  plans.push_back(plan_plane(background, "SCI", -32, unit));
  plans.push_back(plan_plane(background, "ERR", -32, unit));
  plans.push_back(plan_plane(background, "DQ", 32, ""));
  plans.back().unsigned_integers = true;
  plans.push_back(plan_plane(background, "COUNT", 32, ""));
  plans.push_back(plan_plane(background, "VAR", -32, ""));
  std::vector<std::vector<std::byte>> data(plans.size());
  auto const bytes = whole.plane_pixels() * 4;
  for (std::size_t k = 1; k < data.size(); ++k) data[k].resize(bytes);
  auto const floats = [&](int index) -> std::span<float const> {
    return whole.plane<float>(index).first(whole.plane_pixels());
  };
  io::to_big_endian(floats(plane::Sci), data[1].data());
  io::to_big_endian(floats(plane::Err), data[2].data());
  io::to_big_endian_unsigned(whole.plane<std::uint32_t>(plane::Dq), data[3].data());
  io::to_big_endian(std::span<std::int32_t const>(whole.plane<std::int32_t>(plane::Count)), data[4].data());
  io::to_big_endian(floats(plane::Variance), data[5].data());

  std::filesystem::create_directories(background.product.parent_path());
  // The old manifest goes first: it must never stand beside a new file.
  std::filesystem::remove(store::manifest_path(background.product));
  io::write_fits(background.product, plans, data);
  store::write_manifest(background.product, background.manifest);
  return static_cast<std::int64_t>(bytes) * plane::Planes;
}

BackgroundImage read_off_background(std::filesystem::path const& product, model::DetectorWindow const& window) {
  auto const file = io::FitsFile::open(product);
  auto const& sci = file.require("SCI");
  auto const& dq = file.require("DQ");
  for (auto const* hdu : {&sci, &dq})
    if (!hdu->is_image() || hdu->axes.size() != 2 || hdu->nx() != window.nx || hdu->ny() != window.ny)
      refuse_window(product, fmt::format("{} of {} x {} pixels", hdu->extname, hdu->nx(), hdu->ny()), window);
  auto const& primary = file.hdus().front().header;
  auto const x_start = primary.integer("SUBSTRT1"), y_start = primary.integer("SUBSTRT2");
  if (x_start.value_or(window.x_start) != window.x_start || y_start.value_or(window.y_start) != window.y_start)
    refuse_window(product, fmt::format("pixels from ({}, {})", x_start.value_or(1), y_start.value_or(1)), window);
  BackgroundImage image;
  auto const pixels = static_cast<std::size_t>(window.nx * window.ny);
  image.sci.resize(pixels);
  image.dq.resize(pixels);
  file.read_rows(sci, 0, window.ny, image.sci.data());
  file.read_rows(dq, 0, window.ny, image.dq.data());
  return image;
}

}  // namespace tessera::steps
