// Reading ASDF files (spec 25, part 1), also those inside FITS files.
#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/asdf_value.hpp"

namespace tessera::io {

/// A parsed ASDF file in memory. Immutable; its functions may be called from many threads. All of them throw InputError
/// naming the file and the path of the node. No size in the file is believed before it was checked.
class AsdfDocument {
 public:
  /// Takes the bytes of a whole ASDF file (or of the cell of the ASDF extension of a FITS file, where trailing padding
  /// does no harm). `name` is what messages call it.
  static AsdfDocument parse(std::vector<std::byte> bytes, std::string name);
  static AsdfDocument read(std::filesystem::path const& path);

  std::string const& name() const { return name_; }
  AsdfValue const& tree() const { return tree_; }

  /// Node at a dotted path, "meta.wcs.steps.0.frame"; null pointer when there is none.
  AsdfValue const* find(std::string_view path) const;
  /// The same, throwing.
  AsdfValue const& at(std::string_view path) const;

  /// Array at a node: a block, inline data, or a plain list. Throws for references to other files ("fits:SCI,1"), for
  /// ragged lists and for views that reach beyond their block.
  AsdfArray array(AsdfValue const& node, std::string const& path) const;
  AsdfArray array(std::string_view path) const { return array(at(path), std::string(path)); }

  /// Column of a table at `path`: a mapping of arrays, an object with `columns`, or a record array.
  AsdfArray table_column(std::string_view path, std::string const& column) const;

  /// "SCI,1" of an array that refers to an HDU of the FITS file around this one; empty for all others.
  static std::string fits_source(AsdfValue const& node);

  std::size_t block_count() const { return blocks_.size(); }

 private:
  struct Block {
    std::size_t offset = 0, used_size = 0;  ///< of the stored bytes
    std::uint64_t data_size = 0;            ///< after decompression
    std::string compression;                ///< "", "zlib", "bzp2", "lz4"
    std::vector<std::byte> md5;             ///< 16 bytes, empty when not computed
    bool is_streamed = false;
  };

  std::string name_;
  std::shared_ptr<std::vector<std::byte> const> bytes_;
  AsdfValue tree_;
  std::vector<Block> blocks_;

  void find_blocks(std::size_t from);
  /// The bytes of a block: a view of the file, or of `storage` after decompression.
  std::span<std::byte const> block_bytes(std::size_t index, std::vector<std::byte>& storage,
                                         std::string const& path) const;
  AsdfArray block_array(AsdfValue const& node, std::size_t index, bool is_streamed, std::string const& path) const;
  AsdfArray inline_array(AsdfValue const& data, AsdfValue const* datatype, std::string const& path) const;
};

}  // namespace tessera::io
