#include "tessera/sky/fits_wcs.hpp"

#include <fmt/format.h>
#include <wcslib/wcs.h>
#include <wcslib/wcsfix.h>
#include <wcslib/wcshdr.h>
#include <wcslib/wcsmath.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <new>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::sky {

namespace {

/// Owner of one wcsprm.
class WcsParameters {
 public:
  WcsParameters() {
    parameters_.flag = -1;  // tells WCSLIB that there is nothing to free yet
    if (wcsini(1, 2, &parameters_) != 0) throw std::bad_alloc();
  }
  ~WcsParameters() { wcsfree(&parameters_); }
  WcsParameters(WcsParameters const&) = delete;
  WcsParameters& operator=(WcsParameters const&) = delete;
  wcsprm* get() { return &parameters_; }
  wcsprm const* get() const { return &parameters_; }

 private:
  wcsprm parameters_{};
};

/// Copies of one wcsprm, lent to one thread at a time: WCSLIB keeps scratch values inside the struct.
class ParameterPool {
 public:
  explicit ParameterPool(std::unique_ptr<WcsParameters> original) : original_(std::move(original)) {}

  template <class Work>
  void with_copy(Work work) const {
    auto copy = take();
    work(copy->get());
    std::lock_guard const lock(mutex_);
    idle_.push_back(std::move(copy));
  }

 private:
  std::unique_ptr<WcsParameters> take() const {
    std::lock_guard const lock(mutex_);
    if (!idle_.empty()) {
      auto copy = std::move(idle_.back());
      idle_.pop_back();
      return copy;
    }
    auto copy = std::make_unique<WcsParameters>();
    int all_axes = 0;
    TESSERA_EXPECT(wcssub(1, original_->get(), &all_axes, nullptr, copy->get()) == 0);
    TESSERA_EXPECT(wcsset(copy->get()) == 0);
    return copy;
  }

  std::unique_ptr<WcsParameters> original_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<WcsParameters>> idle_;
};

constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t Batch = 512;  ///< points a call of WCSLIB: its work arrays stay in the cache

class FitsWcs : public Wcs {
 public:
  FitsWcs(std::unique_ptr<WcsParameters> parameters, std::string description)
      : lng_(static_cast<std::size_t>(parameters->get()->lng)),
        lat_(static_cast<std::size_t>(parameters->get()->lat)),
        description_(std::move(description)),
        pool_(std::move(parameters)) {}

  using Wcs::pixel_to_sky;
  using Wcs::sky_to_pixel;

  void pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const override {
    TESSERA_EXPECT(y.size() == x.size() && ra.size() == x.size() && dec.size() == x.size());
    pool_.with_copy([&](wcsprm* wcs) {
      Scratch s(std::min(Batch, x.size()));
      for (std::size_t begin = 0; begin < x.size(); begin += Batch) {
        std::size_t const count = std::min(Batch, x.size() - begin);
        for (std::size_t k = 0; k < count; ++k) {
          s.in[2 * k] = x[begin + k] + 1;
          s.in[2 * k + 1] = y[begin + k] + 1;
        }
        int const status = wcsp2s(wcs, static_cast<int>(count), 2, s.in.data(), s.intermediate.data(), s.phi.data(),
                                  s.theta.data(), s.out.data(), s.stat.data());
        bool const usable = status == 0 || status == WCSERR_BAD_PIX;
        for (std::size_t k = 0; k < count; ++k) {
          bool const good = usable && s.stat[k] == 0;
          double const longitude = std::fmod(s.out[2 * k + lng_], 360.0);
          ra[begin + k] = good ? (longitude < 0 ? longitude + 360.0 : longitude) : NaN;
          dec[begin + k] = good ? s.out[2 * k + lat_] : NaN;
        }
      }
    });
  }

  void sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const override {
    TESSERA_EXPECT(dec.size() == ra.size() && x.size() == ra.size() && y.size() == ra.size());
    pool_.with_copy([&](wcsprm* wcs) {
      Scratch s(std::min(Batch, ra.size()));
      for (std::size_t begin = 0; begin < ra.size(); begin += Batch) {
        std::size_t const count = std::min(Batch, ra.size() - begin);
        for (std::size_t k = 0; k < count; ++k) {
          s.in[2 * k + lng_] = ra[begin + k];
          s.in[2 * k + lat_] = dec[begin + k];
        }
        int const status = wcss2p(wcs, static_cast<int>(count), 2, s.in.data(), s.phi.data(), s.theta.data(),
                                  s.intermediate.data(), s.out.data(), s.stat.data());
        bool const usable = status == 0 || status == WCSERR_BAD_WORLD;
        for (std::size_t k = 0; k < count; ++k) {
          bool const good = usable && s.stat[k] == 0;
          x[begin + k] = good ? s.out[2 * k] - 1 : NaN;
          y[begin + k] = good ? s.out[2 * k + 1] - 1 : NaN;
        }
      }
    });
  }

  std::optional<BoundingBox> bounding_box() const override { return std::nullopt; }
  std::string description() const override { return description_; }

 private:
  struct Scratch {
    explicit Scratch(std::size_t n) : in(2 * n), intermediate(2 * n), out(2 * n), phi(n), theta(n), stat(n) {}
    std::vector<double> in, intermediate, out, phi, theta;
    std::vector<int> stat;
  };

  std::size_t lng_, lat_;
  std::string description_;
  ParameterPool pool_;
};

[[noreturn]] void refuse(std::string what, std::string where, std::string expected, std::string found) {
  throw InputError({.what = std::move(what),
                    .where = std::move(where),
                    .expected = std::move(expected),
                    .found = std::move(found),
                    .remedy = "correct the WCS of the image header, or leave the exposure out"});
}

std::string ctypes_of(model::Header const& header) {
  std::string text;
  for (int axis = 1; axis <= 4; ++axis)
    if (auto const ctype = header.text(fmt::format("CTYPE{}", axis)))
      text += fmt::format("{}CTYPE{} = '{}'", text.empty() ? "" : ", ", axis, *ctype);
  return text.empty() ? "no CTYPEi at all" : text;
}

/// A WCS number that is there but cannot be read would silently become its default: refuse it.
void check_numbers(model::Header const& header) {
  for (auto const& card : header.cards()) {
    std::string const keyword = card.keyword();
    bool const is_number = keyword.size() >= 5 && std::isdigit(static_cast<unsigned char>(keyword.back())) &&
                           (keyword.starts_with("CRVAL") || keyword.starts_with("CRPIX") ||
                            keyword.starts_with("CDELT") || keyword.starts_with("CD1_") ||
                            keyword.starts_with("CD2_") || keyword.starts_with("PC1_") || keyword.starts_with("PC2_"));
    if (!is_number) continue;
    auto const value = header.real(keyword);
    if (!value || !std::isfinite(*value))
      refuse("a WCS keyword has no value", keyword, "a number", card.text.substr(8, 40));
  }
}

/// The card, with the suffix of a CTYPE set to what the header holds: "-SIP" where there are SIP terms, and none where
/// there are not. Writers leave it out or behind, and WCSLIB refuses both.
std::string with_right_suffix(model::Card const& card, model::Header const& header) {
  std::string const keyword = card.keyword();
  if (keyword != "CTYPE1" && keyword != "CTYPE2") return card.text;
  auto const ctype = header.text(keyword);
  if (!ctype || ctype->size() < 8 || (ctype->size() > 8 && ctype->substr(8) != "-SIP")) return card.text;
  return fmt::format("{:<80}",
                     fmt::format("{:<8}= '{}{}'", keyword, ctype->substr(0, 8), header.has("A_ORDER") ? "-SIP" : ""));
}

/// True for the WATi_nnn cards that IRAF leaves in images of any projection: WCSLIB takes them for the distortion of
/// the TNX and ZPX projections and then finds it incomplete.
bool is_stray_iraf_card(model::Card const& card, model::Header const& header) {
  if (!card.text.starts_with("WAT")) return false;
  std::string const ctype = header.text("CTYPE1").value_or("");
  return !ctype.ends_with("TNX") && !ctype.ends_with("ZPX");
}

/// Parses all cards and returns the primary description (alternates ' ').
std::unique_ptr<WcsParameters> parse(model::Header const& header) {
  static std::mutex parser;  // WCSLIB's parser has state of its own
  std::lock_guard const lock(parser);
  std::string text;
  text.reserve(80 * header.cards().size());
  for (auto const& card : header.cards())
    if (!is_stray_iraf_card(card, header)) text += with_right_suffix(card, header);
  int rejected = 0, found = 0;
  wcsprm* all = nullptr;
  int const status = wcspih(text.data(), static_cast<int>(text.size() / 80), WCSHDR_all, 0, &rejected, &found, &all);
  if (status != 0) refuse("WCSLIB cannot read the header", "image header", "FITS WCS keywords", wcshdr_errmsg[status]);
  auto parameters = std::make_unique<WcsParameters>();
  int copied = -1, all_axes = 0;
  for (int k = 0; k < found && copied != 0; ++k)
    if (all[k].alt[0] == ' ') copied = wcssub(1, &all[k], &all_axes, nullptr, parameters->get());
  wcsvfree(&found, &all);
  if (copied != 0) refuse("no WCS", "image header", "CTYPEi, CRVALi, CRPIXi and CDi_j of the sky", ctypes_of(header));
  return parameters;
}

/// Reduces to the two celestial axes, which must belong to the pixel axes 1 and 2.
std::unique_ptr<WcsParameters> celestial_part(std::unique_ptr<WcsParameters> parameters, model::Header const& header) {
  if (parameters->get()->naxis == 2) return parameters;
  auto part = std::make_unique<WcsParameters>();
  int count = 1;
  std::vector<int> axes(static_cast<std::size_t>(parameters->get()->naxis) + 1);
  axes[0] = WCSSUB_CELESTIAL;
  int const status = wcssub(1, parameters->get(), &count, axes.data(), part->get());
  if (status != 0)
    refuse("the sky axes cannot be separated", "WCS of the image header", "two axes of the sky of their own",
           wcs_errmsg[status]);
  if (count != 2) refuse("no celestial WCS", "CTYPEi", "RA---TAN and DEC--TAN or the like", ctypes_of(header));
  if (std::max(axes[0], axes[1]) != 2)
    refuse("the sky is not on the first two axes", "CTYPEi", "a celestial pair on axes 1 and 2", ctypes_of(header));
  return part;
}

/// The note on the frame for description(), or an InputError when positions are not ICRS to 0.03 arcsec.
std::string frame_note(wcsprm const& wcs) {
  if (std::string(wcs.lngtyp) != "RA") refuse("the coordinates are not equatorial", "CTYPEi", "RA and DEC", wcs.lngtyp);
  std::string frame(wcs.radesys);
  bool const has_equinox = wcs.equinox != UNDEFINED;
  if (frame.empty()) frame = !has_equinox ? "ICRS" : wcs.equinox < 1984.0 ? "FK4" : "FK5";
  if (frame == "ICRS") return "";
  if (frame == "FK5" && (!has_equinox || wcs.equinox == 2000.0)) return " (FK5 taken as ICRS)";
  refuse("the reference frame is not supported", "RADESYS and EQUINOX", "ICRS, or FK5 of equinox 2000",
         has_equinox ? fmt::format("{} of equinox {}", frame, wcs.equinox) : frame);
}

void check_reference_point(model::Header const& header) {
  for (int axis = 1; axis <= 9; ++axis) {
    auto const ctype = header.text(fmt::format("CTYPE{}", axis));
    bool const is_latitude = ctype && ctype->starts_with("DEC-"), is_longitude = ctype && ctype->starts_with("RA--");
    if (!is_latitude && !is_longitude) continue;
    double const value = header.real(fmt::format("CRVAL{}", axis)).value_or(0), limit = is_latitude ? 90 : 360;
    if (!(std::abs(value) <= limit))
      refuse("the reference position is off the sky", fmt::format("CRVAL{}", axis),
             fmt::format("{} in [-{}, {}] degrees", is_latitude ? "declination" : "right ascension", limit, limit),
             fmt::format("{}", value));
  }
}

/// WCSLIB lets a matrix pass whose rows are parallel to rounding.
void check_matrix(wcsprm const& wcs) {
  double const* const m = wcs.lin.piximg;
  if (!m) return;  // WCSLIB keeps no matrix when it is the unit matrix
  double const determinant = m[0] * m[3] - m[1] * m[2];
  constexpr double Parallel = 1e-9;
  if (!(std::abs(determinant) > Parallel * std::hypot(m[0], m[1]) * std::hypot(m[2], m[3])))
    refuse("the scale matrix is singular", "CDi_j or CDELTi and PCi_j", "two independent axes",
           fmt::format("[[{}, {}], [{}, {}]]", m[0], m[1], m[2], m[3]));
}

/// WCSLIB's repairs make the unit matrix of CDi_j that are all zero: a degree a pixel, which nobody meant.
void check_cd_is_not_zero(model::Header const& header) {
  bool any = false;
  for (char const* keyword : {"CD1_1", "CD1_2", "CD2_1", "CD2_2"}) {
    auto const value = header.real(keyword);
    if (value && *value != 0) return;
    any = any || value.has_value();
  }
  if (any) refuse("the scale matrix is singular", "CDi_j", "two independent axes", "all zero");
}

void check_scale_is_given(model::Header const& header) {
  for (auto const& card : header.cards()) {
    std::string const keyword = card.keyword();
    if (keyword.starts_with("CDELT") || keyword.starts_with("CD1_") || keyword.starts_with("CD2_") ||
        keyword.starts_with("CD001") || keyword.starts_with("CD002"))
      return;
  }
  refuse("no pixel scale", "image header", "CDi_j, or CDELTi with PCi_j", "neither");
}

/// At least one of the corners and the centre must be on the sky.
void check_array_is_on_sky(Wcs const& wcs, std::int64_t nx, std::int64_t ny) {
  double const right = static_cast<double>(nx) - 0.5, top = static_cast<double>(ny) - 0.5;
  std::array<double, 5> const x{-0.5, right, right, -0.5, (right - 0.5) / 2}, y{-0.5, -0.5, top, top, (top - 0.5) / 2};
  std::array<double, 5> ra{}, dec{};
  wcs.pixel_to_sky(x, y, ra, dec);
  if (std::none_of(ra.begin(), ra.end(), [](double v) { return std::isfinite(v); }))
    refuse("the image is off the sky", "WCS of the image header (" + wcs.description() + ")",
           "a position for the centre or a corner of the image",
           fmt::format("none for {} x {} pixels with CRPIX and CDi_j as given", nx, ny));
}

}  // namespace

bool has_celestial_wcs(model::Header const& header) {
  bool has_longitude = false, has_latitude = false;
  for (int axis = 1; axis <= 9; ++axis) {
    auto const ctype = header.text(fmt::format("CTYPE{}", axis));
    if (!ctype || ctype->size() < 5) continue;
    has_longitude = has_longitude || ctype->starts_with("RA--") || ctype->substr(1, 4) == "LON-";
    has_latitude = has_latitude || ctype->starts_with("DEC-") || ctype->substr(1, 4) == "LAT-";
  }
  return has_longitude && has_latitude;
}

WcsPointer make_fits_wcs(model::Header const& header, std::int64_t nx, std::int64_t ny) {
  if (!has_celestial_wcs(header))
    refuse("no celestial WCS", "CTYPEi of the image header", "RA---TAN and DEC--TAN or the like", ctypes_of(header));
  check_numbers(header);
  check_reference_point(header);
  check_scale_is_given(header);
  check_cd_is_not_zero(header);
  auto parameters = celestial_part(parse(header), header);
  wcsprm* const wcs = parameters->get();
  // Repairs of what older writers do: omitted CDi_j, units spelt their own way, NCP and GLS projections.
  cdfix(wcs);
  unitfix(0, wcs);
  celfix(wcs);
  if (int const status = wcsset(wcs))
    refuse(status == WCSERR_SINGULAR_MTX ? "the scale matrix is singular" : "WCSLIB refuses the WCS",
           status == WCSERR_SINGULAR_MTX ? "CDi_j or CDELTi and PCi_j" : "WCS of the image header",
           status == WCSERR_SINGULAR_MTX ? "two independent axes" : "a consistent description", wcs_errmsg[status]);
  if (wcs->lng < 0 || wcs->lat < 0)
    refuse("no celestial WCS", "CTYPEi of the image header", "RA---TAN and DEC--TAN or the like", ctypes_of(header));
  check_matrix(*wcs);
  // WCSLIB turns TPV into TAN with a distortion: the projection by the name the header gives it
  std::string const projection = header.text(fmt::format("CTYPE{}", wcs->lng + 1)).value_or("").substr(5, 3);
  std::string description =
      fmt::format("FITS {}", projection) + (header.has("A_ORDER") ? "-SIP" : "") + frame_note(*wcs);
  auto result = std::make_shared<FitsWcs const>(std::move(parameters), std::move(description));
  check_array_is_on_sky(*result, nx, ny);
  return result;
}

}  // namespace tessera::sky
