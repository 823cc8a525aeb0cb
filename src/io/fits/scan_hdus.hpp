// Finds the HDUs of a plain FITS file: headers and the places of the data.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "../posix_file.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {

inline constexpr std::int64_t FitsBlock = 2880;
inline constexpr std::int64_t FitsCard = 80;

/// Smallest multiple of the FITS block that holds `bytes`.
constexpr std::int64_t padded_to_block(std::int64_t bytes) { return (bytes + FitsBlock - 1) / FitsBlock * FitsBlock; }

/// All HDUs, in file order, by pread of the headers alone. `name` is how messages call the file. Throws InputError for
/// what is no FITS, a broken card or mandatory keyword, and data that end before their header's promise (missing
/// padding after the last data is forgiven, as is anything after the last HDU that does not begin as one).
std::vector<Hdu> scan_hdus(PosixFile const& file, std::string const& name);

}  // namespace tessera::io
