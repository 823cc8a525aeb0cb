// Weight and mask planes of plain FITS images. Private to module store.
#pragma once
#include "tessera/io/fits_file.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::store {

/// Index of the HDU that holds the image: SCI where there is one, else the first image of two axes with a celestial
/// WCS, else the first image of two axes. Throws InputError when no HDU has a two-dimensional image.
int find_image_hdu(io::FitsFile const& file);

/// Fills weight and mask of `record`: the files named in `source`, else extensions called WHT, WEIGHT or IVM, and MASK
/// or DQ, of the image's shape, else ROOT.weight.fits beside the image (SWarp's habit). Throws InputError when a named
/// file has no image of that shape.
void find_weight_and_mask(io::FitsFile const& file, ExposureSource const& source, ExposureRecord& record);

}  // namespace tessera::store
