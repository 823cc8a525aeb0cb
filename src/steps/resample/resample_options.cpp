#include "tessera/steps/resample/resample_options.hpp"

#include <fmt/format.h>

#include <cmath>

namespace tessera::steps {

namespace {

char const* kernel_name(kernels::DrizzleKernel kernel) {
  switch (kernel) {
    case kernels::DrizzleKernel::Square: return "square";
    case kernels::DrizzleKernel::Turbo: return "turbo";
    case kernels::DrizzleKernel::Point: return "point";
    case kernels::DrizzleKernel::Gaussian: return "gaussian";
    case kernels::DrizzleKernel::Lanczos2: return "lanczos2";
    case kernels::DrizzleKernel::Lanczos3: return "lanczos3";
  }
  return "square";
}

char const* weight_name(kernels::WeightType type) {
  switch (type) {
    case kernels::WeightType::Ivm: return "ivm";
    case kernels::WeightType::IvmSky: return "ivm-sky";
    case kernels::WeightType::Exptime: return "exptime";
    case kernels::WeightType::None: return "none";
  }
  return "ivm";
}

}  // namespace

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

// The grid itself is part of the manifest's inputs, so its wishes need not be repeated here.
std::string pixel_parameters(ResampleOptions const& o) {
  return fmt::format(
      R"({{"blendheaders":{},"enable_ctx":{},"enable_err":{},"fillval":"{}","good_bits":"{}","kernel":"{}","pixfrac":{},"report_var":{},"weight_type":"{}"}})",
      o.blendheaders, o.enable_ctx, o.enable_err, std::isnan(o.fillval) ? std::string("NAN") : fmt::format("{}", o.fillval),
      o.good_bits, kernel_name(o.kernel), o.pixfrac, o.report_var, weight_name(o.weight_type));
}

}  // namespace tessera::steps
