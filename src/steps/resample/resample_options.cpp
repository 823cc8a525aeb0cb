#include "tessera/steps/resample/resample_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

constexpr double WidestReach = 24;

char const* kernel_name(kernels::DrizzleKernel kernel) {
  switch (kernel) {
    case kernels::DrizzleKernel::Square:
      return "square";
    case kernels::DrizzleKernel::Turbo:
      return "turbo";
    case kernels::DrizzleKernel::Point:
      return "point";
    case kernels::DrizzleKernel::Gaussian:
      return "gaussian";
    case kernels::DrizzleKernel::Lanczos2:
      return "lanczos2";
    case kernels::DrizzleKernel::Lanczos3:
      return "lanczos3";
  }
  return "square";
}

}  // namespace

char const* weight_type_name(kernels::WeightType type) {
  switch (type) {
    case kernels::WeightType::Ivm:
      return "ivm";
    case kernels::WeightType::IvmSky:
      return "ivm-sky";
    case kernels::WeightType::Exptime:
      return "exptime";
    case kernels::WeightType::None:
      return "none";
  }
  return "ivm";
}

kernels::DrizzleOptions ResampleOptions::drizzle(double pixel_scale_ratio) const {
  kernels::DrizzleOptions options;
  options.kernel = pixfrac <= 0.001 ? kernels::DrizzleKernel::Point : kernel;
  options.pixfrac = pixfrac;
  options.pixel_scale_ratio = pixel_scale_ratio;
  options.context = enable_ctx;
  options.variances = enable_err;
  options.variance_weight = weight_type == kernels::WeightType::Exptime ? kernels::VarianceWeight::ExposureTime
                                                                        : kernels::VarianceWeight::InverseReadNoise;
  return options;
}

void check_options(ResampleOptions const& o) {
  auto const refuse = [](char const* name, char const* expected, double found) {
    throw ConfigError({"a resample parameter cannot be used", name, expected, fmt::format("{}", found), ""});
  };
  if (!(o.pixfrac > 0 && o.pixfrac <= 1))
    refuse("pixfrac", "above 0, at most 1 (0.001 and less: the point kernel)", o.pixfrac);
  if (!(o.grid.pixel_scale_ratio > 0)) refuse("pixel_scale_ratio", "above 0", o.grid.pixel_scale_ratio);
  if (o.grid.pixel_scale && !(*o.grid.pixel_scale > 0)) refuse("pixel_scale", "above 0 arcsec", *o.grid.pixel_scale);
  if (o.grid.output_shape)
    for (auto const side : *o.grid.output_shape)
      if (side < 2) refuse("output_shape", "at least 2 pixels a side", static_cast<double>(side));
  // Kernels that are sized in input pixels grow as the output pixels shrink.
  double const reach = kernels::reach(o.drizzle(o.grid.pixel_scale_ratio), 1 / o.grid.pixel_scale_ratio);
  if (!o.grid.pixel_scale && reach > WidestReach)
    refuse("pixel_scale_ratio", "large enough for the kernel to stay within 24 output pixels",
           o.grid.pixel_scale_ratio);
}

float parse_fill_value(std::string const& text, std::string const& where) {
  if (text == "NAN" || text == "nan" || text == "NaN") return std::numeric_limits<float>::quiet_NaN();
  if (text == "INDEF" || text == "indef") return 0;
  float value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw ConfigError({"not a fill value", where, "NAN, INDEF or a number", text, ""});
  return value;
}

// The grid itself is part of the manifest's inputs, so its wishes need not be repeated here.
std::string pixel_parameters(ResampleOptions const& o) {
  return fmt::format(
      R"({{"blendheaders":{},"enable_ctx":{},"enable_err":{},"fillval":"{}","good_bits":"{}","kernel":"{}","pixfrac":{},"report_var":{},"weight_type":"{}"}})",
      o.blendheaders, o.enable_ctx, o.enable_err,
      std::isnan(o.fillval) ? std::string("NAN") : fmt::format("{}", o.fillval), o.good_bits, kernel_name(o.kernel),
      o.pixfrac, o.report_var, weight_type_name(o.weight_type));
}

}  // namespace tessera::steps
