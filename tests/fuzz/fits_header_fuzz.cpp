// Throws random bytes at the FITS reader and the header cards. Not in the default build:
//
//   clang++-14 -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fits_header_fuzz.cpp
//     src/model/{header,card_text}.cpp src/core/{error,contract,log,nearest_name}.cpp src/io/{posix_file,checksum}.cpp
//     src/io/fits/{fits_file,scan_hdus,gzip,pixel_values,scratch_file,tile_compressed}.cpp
//     -lcfitsio -lz -lcrypto -lspdlog -lfmt -o fits_header_fuzz
//   TESSERA_LOG=error ./fits_header_fuzz -max_len=12000 CORPUS
//
// Tile-compressed images are left alone: they are CFITSIO's business.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace {

/// Setting a value keeps all other cards and reads back, whatever they are.
void try_cards(tessera::model::Header header) {
  for (auto const& card : header.cards()) {
    auto const keyword = card.keyword();
    (void)header.text(keyword);
    (void)header.real(keyword);
    (void)header.integer(keyword);
    (void)header.logical(keyword);
    (void)header.comment(keyword);
  }
  std::string const value(100, '\'');
  header.set("FUZZED", value);
  TESSERA_EXPECT(header.text("FUZZED") == value);
  header.remove("FUZZED");
  TESSERA_EXPECT(!header.has("FUZZED"));
}

void try_pixels(tessera::io::FitsFile const& file, tessera::io::Hdu const& hdu) {
  if (hdu.kind != tessera::io::Hdu::Kind::Image || hdu.ny() == 0 || hdu.data_bytes == 0) return;
  std::vector<float> values(static_cast<std::size_t>(hdu.nx()));
  std::vector<std::uint32_t> flags(values.size());
  file.read_rows(hdu, hdu.ny() - 1, hdu.ny(), values.data());
  file.read_rows(hdu, 0, 1, flags.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  int const descriptor = ::memfd_create("fuzz", 0);
  if (descriptor < 0 || ::write(descriptor, data, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    auto const file = tessera::io::FitsFile::open("/proc/self/fd/" + std::to_string(descriptor), "/tmp/tessera-fuzz");
    for (auto const& hdu : file.hdus()) {
      try_cards(hdu.header);
      (void)file.read_data(hdu);
      try {
        try_pixels(file, hdu);
      } catch (tessera::InputError const&) {  // flags that are none
      }
    }
  } catch (tessera::InputError const&) {  // the only way out for bad bytes
  }
  ::close(descriptor);
  return 0;
}
