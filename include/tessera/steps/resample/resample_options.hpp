// Parameters of the resample step (spec 30, 4.1), with the official names and defaults.
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "tessera/kernels/drizzle.hpp"
#include "tessera/kernels/resample_weight.hpp"
#include "tessera/sky/output_grid.hpp"

namespace tessera::steps {

struct ResampleOptions {
  kernels::DrizzleKernel kernel = kernels::DrizzleKernel::Square;
  double pixfrac = 1.0;                                     ///< drop size, (0, 1]
  float fillval = std::numeric_limits<float>::quiet_NaN();  ///< SCI where there is no weight
  kernels::WeightType weight_type = kernels::WeightType::Ivm;
  sky::OutputGridOptions grid;
  bool blendheaders = true;
  bool enable_ctx = true;
  bool enable_err = true;
  bool report_var = true;
  std::string good_bits = "~DO_NOT_USE+NON_SCIENCE";

  /// Ours.
  bool keep_hdf5 = false;                                    ///< keep the HDF5 beside the FITS
  std::int64_t dense_context_limit = std::int64_t{2} << 30;  ///< bytes of dense CON above which only the HDF5 has it
  bool quicklook = true;

  kernels::DrizzleOptions drizzle(double pixel_scale_ratio) const;
};

/// "ivm", "ivm-sky", "exptime" or "none": RESWHT.
char const* weight_type_name(kernels::WeightType type);

/// Throws ConfigError when a value cannot work: pixfrac outside (0, 1], scales that are not positive, a shape below 2
/// pixels, or a kernel that would spread an input pixel over more output pixels than the drizzle has room for.
void check_options(ResampleOptions const& options);

/// "NAN", "INDEF" (0: what untouched pixels got in older pipelines, spec 30, 9) or a number. ConfigError naming
/// `where`.
float parse_fill_value(std::string const& text, std::string const& where);

/// JSON text with sorted keys of everything that decides the pixels: for the manifest.
std::string pixel_parameters(ResampleOptions const& options);

}  // namespace tessera::steps
