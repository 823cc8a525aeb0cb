// A JWST-like FITS file in the making: images in the order they are added, then the ASDF extension.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tessera/io/asdf_writer.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::io {

/// Images are views: their values must live until `write`, which turns them into the bytes of FITS piece by piece. So a
/// file costs no memory besides its images.
class FitsContent {
 public:
  explicit FitsContent(model::Header primary);

  /// An image extension of nx x ny pixels. `key` is its name in the ASDF tree, "data" for SCI; empty: not in the tree.
  void add_image(std::string extname, std::string key, std::int64_t nx, std::int64_t ny, std::span<float const> values,
                 model::Header header = {});
  void add_image(std::string extname, std::string key, std::int64_t nx, std::int64_t ny,
                 std::span<std::uint32_t const> values, model::Header header = {});

  /// The ASDF extension: `meta` (a mapping or null), the WCS unless null, and references to the images with a key.
  void add_datamodel(AsdfValue meta, sky::Gwcs const* wcs);

  /// Makes the folder where it is missing. Written beside, synced, renamed. IoError.
  void write(std::filesystem::path const& path) const;

 private:
  using Data = std::variant<std::span<float const>, std::span<std::uint32_t const>, std::vector<std::byte>>;
  void add(std::string extname, std::string key, std::int64_t nx, std::int64_t ny, Data data, model::Header header);

  std::vector<HduPlan> plans_;
  std::vector<Data> data_;  ///< of each plan
  std::vector<FitsArrayReference> arrays_;
};

}  // namespace tessera::io
