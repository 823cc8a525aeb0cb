// The planes of a _rate file, checked by their headers alone (spec 20, 1.1).
#pragma once
#include "tessera/io/fits_file.hpp"
#include "tessera/model/exposure_image.hpp"

namespace tessera::steps {

/// Planes of an open file, all of one shape; they live as long as the file is open.
struct RateLayout {
  io::Hdu const *sci, *err, *dq, *var_poisson, *var_rnoise;
  model::DetectorWindow window;
};

/// Throws InputError: SCI, ERR, DQ or a variance missing, shapes that differ, three dimensions (a _rateints file), a
/// BUNIT other than DN/s, a window that is not the image's.
RateLayout rate_layout(io::FitsFile const& file);

}  // namespace tessera::steps
