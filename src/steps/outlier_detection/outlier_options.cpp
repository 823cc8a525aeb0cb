#include "outlier_options.hpp"

#include <array>
#include <sstream>
#include <string>

#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

std::string const Prefix = "jwst_parameters.outlier_detection.";

/// "5.0 4.0": of the first and of the second pass.
std::array<double, 2> two_numbers(config::ResolvedParameters const& parameters, std::string const& key) {
  std::string const& text = parameters.text(Prefix + key);
  std::istringstream stream(text);
  std::array<double, 2> numbers{};
  std::string rest;
  if (!(stream >> numbers[0] >> numbers[1]) || (stream >> rest) || !(numbers[0] >= 0) || !(numbers[1] >= 0))
    throw ConfigError({"two numbers are needed", "parameters.lv3." + Prefix + key, "\"FIRST SECOND\", 0 or more",
                       "\"" + text + "\"", "give the thresholds of the first and the second pass"});
  return numbers;
}

}  // namespace

OutlierOptions outlier_options(config::ResolvedParameters const& p) {
  OutlierOptions options;
  options.drizzle.kernel = kernels::parse_drizzle_kernel(p.text(Prefix + "kernel"));
  options.drizzle.pixfrac = p.real(Prefix + "pixfrac");
  options.drizzle.context = options.drizzle.variances = false;
  if (!(options.drizzle.pixfrac > 0))
    throw ConfigError({"a drop needs a size", "parameters.lv3." + Prefix + "pixfrac", "above 0, at most 1",
                       fmt::format("{}", options.drizzle.pixfrac), "0.001 and less give the point kernel"});
  options.weight_type = kernels::parse_weight_type(p.text(Prefix + "weight_type"));
  options.bad_bits = dq::bad_bits(p.text(Prefix + "good_bits"));
  options.maskpt = p.real(Prefix + "maskpt");
  auto const snr = two_numbers(p, "snr"), scale = two_numbers(p, "scale");
  options.thresholds = {snr[0], snr[1], scale[0], scale[1]};
  options.backg = p.real(Prefix + "backg");
  options.resample_data = p.boolean(Prefix + "resample_data");
  options.save_medians = p.boolean(Prefix + "save_intermediate_results");
  return options;
}

}  // namespace tessera::steps
