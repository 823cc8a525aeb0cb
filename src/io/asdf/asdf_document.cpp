#include "tessera/io/asdf_document.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

#include "asdf_error.hpp"
#include "block_decompress.hpp"
#include "tessera/core/log.hpp"
#include "yaml_tree.hpp"

namespace tessera::io {

namespace {

constexpr std::string_view BlockMagic =
    "\xD3"
    "BLK";
constexpr std::size_t LeastHeaderSize = 48;
constexpr std::size_t BlockPreamble = 6;  // magic and header size

std::string_view as_text(std::vector<std::byte> const& bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

std::uint64_t read_big_endian(std::string_view bytes, std::size_t offset, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t k = 0; k < count; ++k) value = value << 8 | static_cast<unsigned char>(bytes[offset + k]);
  return value;
}

/// Where the line that starts at `from` ends: after its newline, or at the end of the text.
std::size_t next_line(std::string_view text, std::size_t from) {
  auto const newline = text.find('\n', from);
  return newline == std::string_view::npos ? text.size() : newline + 1;
}

bool is_line(std::string_view text, std::size_t from, std::string_view line) {
  if (text.substr(from, line.size()) != line) return false;
  std::string_view const rest = text.substr(from + line.size(), 2);
  return rest.empty() || rest[0] == '\n' || rest == "\r\n";
}

bool matches_md5(std::span<std::byte const> bytes, std::vector<std::byte> const& expected) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  // Where MD5 is forbidden (FIPS) there is nothing to compare with.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_md5(), nullptr) != 1) return true;
  return length == expected.size() &&
         std::equal(expected.begin(), expected.end(), digest.begin(),
                    [](std::byte a, unsigned char b) { return std::to_integer<unsigned char>(a) == b; });
}

}  // namespace

AsdfDocument AsdfDocument::parse(std::vector<std::byte> bytes, std::string name) {
  AsdfDocument document;
  document.name_ = std::move(name);
  document.bytes_ = std::make_shared<std::vector<std::byte> const>(std::move(bytes));
  std::string_view const text = as_text(*document.bytes_);
  if (text.substr(0, 6) != "#ASDF ")
    fail_asdf(document.name_, {}, "not an ASDF file", "#ASDF 1.0.0 at the start",
              text.empty() ? "an empty file" : "other bytes");
  std::size_t position = next_line(text, 0);
  while (position < text.size() && text[position] == '#') position = next_line(text, position);
  bool const has_tree = position < text.size() && (text[position] == '%' || text.substr(position, 3) == "---");
  if (has_tree) {
    std::size_t const begin = position;
    while (position < text.size() && !is_line(text, position, "...")) position = next_line(text, position);
    if (position >= text.size())
      fail_asdf(document.name_, {}, "the file is cut off: the tree has no end", "a line '...'", "the end of the file");
    document.tree_ = parse_yaml_tree(std::string(text.substr(begin, position - begin)), document.name_);
    position = next_line(text, position);
  }
  document.find_blocks(position);
  return document;
}

AsdfDocument AsdfDocument::read(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) throw InputError({"file cannot be opened", path.string(), {}, {}, {}});
  auto const size = static_cast<std::streamoff>(stream.tellg());
  if (size < 0) throw InputError({"file cannot be read", path.string(), "a regular file", {}, {}});
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!stream) throw IoError({"file cannot be read to its end", path.string(), {}, {}, {}});
  return parse(std::move(bytes), path.string());
}

void AsdfDocument::find_blocks(std::size_t from) {
  std::string_view const text = as_text(*bytes_);
  std::size_t position = text.find(BlockMagic, from);
  while (position < text.size() && text.substr(position, BlockMagic.size()) == BlockMagic) {
    std::string const where = fmt::format("block {}", blocks_.size());
    std::size_t const left = text.size() - position;
    if (left < BlockPreamble + LeastHeaderSize) fail_asdf(name_, where, "the file is cut off in a block header");
    std::uint64_t const header_size = read_big_endian(text, position + 4, 2);
    if (header_size < LeastHeaderSize)
      fail_asdf(name_, where, "impossible header size of a block", "48 or more", std::to_string(header_size));
    if (left < BlockPreamble + header_size) fail_asdf(name_, where, "the file is cut off in a block header");
    Block block;
    block.is_streamed = read_big_endian(text, position + 6, 4) & 1;
    block.compression = std::string(text.substr(position + 10, 4));
    block.compression.resize(block.compression.find_last_not_of('\0') + 1);
    std::uint64_t const allocated = read_big_endian(text, position + 14, 8);
    std::uint64_t const used = read_big_endian(text, position + 22, 8);
    block.data_size = read_big_endian(text, position + 30, 8);
    auto const* const digest = bytes_->data() + position + 38;
    if (std::any_of(digest, digest + 16, [](std::byte b) { return b != std::byte{0}; }))
      block.md5.assign(digest, digest + 16);
    block.offset = position + BlockPreamble + static_cast<std::size_t>(header_size);
    std::size_t const available = text.size() - block.offset;
    if (block.is_streamed) {
      block.used_size = available;
      block.data_size = available;
      blocks_.push_back(std::move(block));
      return;
    }
    if (used > available)
      fail_asdf(name_, where, "the file is cut off in a block", fmt::format("{} bytes", used),
                fmt::format("{} bytes", available));
    if (used > allocated)
      fail_asdf(name_, where, "impossible sizes of a block", fmt::format("at most {} bytes used", allocated),
                std::to_string(used));
    if (block.compression.empty() && block.data_size != used)
      fail_asdf(name_, where, "sizes of an uncompressed block differ", std::to_string(used),
                std::to_string(block.data_size));
    block.used_size = static_cast<std::size_t>(used);
    position = allocated >= available ? text.size() : block.offset + static_cast<std::size_t>(allocated);
    blocks_.push_back(std::move(block));
  }
}

std::span<std::byte const> AsdfDocument::block_bytes(std::size_t index, std::vector<std::byte>& storage,
                                                     std::string const& path) const {
  Block const& block = blocks_[index];
  std::span<std::byte const> const stored(bytes_->data() + block.offset, block.used_size);
  std::span<std::byte const> data = stored;
  if (!block.compression.empty()) {
    storage = decompress_block(block.compression, stored, block.data_size, name_, path);
    data = storage;
  }
  // Writers disagree on which bytes are hashed, so either will do.
  if (!block.md5.empty() && !matches_md5(data, block.md5) && !matches_md5(stored, block.md5))
    log::warn("{}, node {}: the checksum of block {} does not match its data", name_, path, index);
  return data;
}

AsdfValue const* AsdfDocument::find(std::string_view path) const {
  AsdfValue const* node = &tree_;
  while (node && !path.empty()) {
    auto const dot = path.find('.');
    std::string_view const key = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (auto const* items = node->sequence_items()) {
      std::size_t index = 0;
      auto const [stop, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      bool const is_index = error == std::errc() && stop == key.data() + key.size() && index < items->size();
      node = is_index ? &(*items)[index] : nullptr;
    } else {
      node = node->find(key);
    }
  }
  return node;
}

AsdfValue const& AsdfDocument::at(std::string_view path) const {
  if (auto const* node = find(path)) return *node;
  fail_asdf(name_, std::string(path), "node is missing");
}

std::string AsdfDocument::fits_source(AsdfValue const& node) {
  auto const* source = node.find("source");
  auto const* text = source ? source->string() : nullptr;
  return text && text->rfind("fits:", 0) == 0 ? text->substr(5) : std::string();
}

}  // namespace tessera::io
