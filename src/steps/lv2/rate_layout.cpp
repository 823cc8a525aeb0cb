#include "rate_layout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <string>

#include "tessera/core/error.hpp"
#include "tessera/refs/image_references.hpp"

namespace tessera::steps {

namespace {

std::string place(io::FitsFile const& file, io::Hdu const& hdu) {
  return fmt::format("{}[{}]", file.path().string(), hdu.extname);
}

std::string shape_text(io::Hdu const& hdu) {
  return hdu.axes.empty() ? "no image" : fmt::format("{}", fmt::join(hdu.axes, " x "));
}

/// An image extension of two axes that is there.
io::Hdu const& require_plane(io::FitsFile const& file, char const* extname) {
  auto const& hdu = file.require(extname);
  if (hdu.is_image() && hdu.axes.size() == 2) return hdu;
  bool const is_cube = hdu.is_image() && hdu.axes.size() > 2;
  throw InputError({.what = is_cube ? "count rates of every integration instead of their mean" : "not an image",
                    .where = place(file, hdu),
                    .expected = "two dimensions, as in a _rate file",
                    .found = shape_text(hdu),
                    .remedy = is_cube ? "give the _rate file of this exposure instead of its _rateints" : ""});
}

/// The same with the shape of SCI.
io::Hdu const& require_plane_like(io::FitsFile const& file, char const* extname, io::Hdu const& sci) {
  auto const& hdu = require_plane(file, extname);
  if (hdu.axes != sci.axes)
    throw InputError({.what = "planes of differing shapes",
                      .where = place(file, hdu),
                      .expected = shape_text(sci),
                      .found = shape_text(hdu),
                      .remedy = "make the file again, or leave it out"});
  return hdu;
}

void check_unit(io::FitsFile const& file, io::Hdu const& sci) {
  auto const unit = sci.header.text("BUNIT");
  std::string folded;
  for (char const c : unit.value_or(""))
    if (c != ' ') folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (folded == "dn/s") return;
  throw InputError({.what = "not a count rate",
                    .where = place(file, sci) + " BUNIT",
                    .expected = "DN/s",
                    .found = unit.value_or("no such keyword"),
                    .remedy = folded == "mjy/sr" ? "take lv2 out of the steps where exposures are calibrated already"
                                                 : "give the _rate file of this exposure"});
}

/// The window as the header has it; it must be what the image is.
model::DetectorWindow require_window(io::FitsFile const& file, model::Header const& primary, io::Hdu const& sci) {
  auto const width = primary.integer("SUBSIZE1").value_or(sci.nx());
  auto const height = primary.integer("SUBSIZE2").value_or(sci.ny());
  if (width != sci.nx() || height != sci.ny())
    throw InputError({.what = "the image is not as large as its subarray",
                      .where = place(file, sci),
                      .expected = fmt::format("{} x {} (SUBSIZE1, SUBSIZE2)", width, height),
                      .found = shape_text(sci),
                      .remedy = "make the file again, or leave it out"});
  return refs::detector_window(file.path(), primary, sci.nx(), sci.ny());
}

}  // namespace

RateLayout rate_layout(io::FitsFile const& file) {
  auto const& sci = require_plane(file, "SCI");
  RateLayout layout{&sci,
                    &require_plane_like(file, "ERR", sci),
                    &require_plane_like(file, "DQ", sci),
                    &require_plane_like(file, "VAR_POISSON", sci),
                    &require_plane_like(file, "VAR_RNOISE", sci),
                    {}};
  check_unit(file, sci);
  layout.window = require_window(file, file.hdus().front().header, sci);
  return layout;
}

}  // namespace tessera::steps
