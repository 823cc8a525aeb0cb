// Tile-compressed images, unpacked by CFITSIO to scratch.
#pragma once
#include <filesystem>

#include "../posix_file.hpp"
#include "pixel_values.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {

/// How the pixels of the unpacked file are stored: integers as in the original image, floats as values.
PixelFormat unpacked_format(Hdu const& hdu);

/// Path of a raw file in `scratch` with all pixels of the image, big-endian, without header, made once. `file` is the
/// plain FITS file. Throws InputError when CFITSIO cannot read the image, IoError for scratch.
std::filesystem::path unpack_tiles(PosixFile const& file, Hdu const& hdu, std::filesystem::path const& scratch);

}  // namespace tessera::io
