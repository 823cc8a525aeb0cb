#include "scan_hdus.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t ReadAhead = 16 * FitsBlock;  // holds most JWST headers: one read for each

std::string_view as_text(std::byte const* bytes, std::size_t count) {
  return {reinterpret_cast<char const*>(bytes), count};
}

/// Walks through the cards of one header with few reads.
class CardReader {
 public:
  CardReader(PosixFile const& file, std::int64_t offset) : file_(file), offset_(offset) {}

  /// The next 80 characters, shorter at the end of the file.
  std::string_view next() {
    if (at_ + FitsCard > static_cast<std::int64_t>(filled_)) {
      offset_ += at_;
      at_ = 0;
      buffer_.resize(static_cast<std::size_t>(ReadAhead));
      filled_ = file_.read_at(offset_, buffer_);
    }
    auto const count = std::min<std::int64_t>(FitsCard, static_cast<std::int64_t>(filled_) - at_);
    auto const card = as_text(buffer_.data() + at_, static_cast<std::size_t>(count));
    at_ += count;
    return card;
  }
  std::int64_t position() const { return offset_ + at_; }

 private:
  PosixFile const& file_;
  std::int64_t offset_;
  std::int64_t at_ = 0;
  std::size_t filled_ = 0;
  std::vector<std::byte> buffer_;
};

/// Product that does not overflow silently.
std::int64_t checked_multiply(std::int64_t a, std::int64_t b, std::string const& where) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    throw InputError({"the header promises more data than any file can hold", where, "", "",
                      "the header is damaged: get the file again"});
  return product;
}

long long require_integer(Hdu const& hdu, std::string const& keyword, long long least, long long most,
                          std::string const& where) {
  auto const value = hdu.header.integer(keyword);
  if (value && *value >= least && *value <= most) return *value;
  std::string found = "none";
  if (value)
    found = std::to_string(*value);
  else if (hdu.header.has(keyword))
    found = "something else";
  throw InputError({"keyword " + keyword + " is wrong or missing", where,
                    "an integer from " + std::to_string(least) + " to " + std::to_string(most), found,
                    "the header is damaged: get the file again"});
}

/// Reads the cards up to END. Returns where the data begin.
std::int64_t read_cards(PosixFile const& file, std::int64_t offset, std::string const& where, model::Header& header) {
  CardReader reader(file, offset);
  while (true) {
    auto const card = reader.next();
    if (static_cast<std::int64_t>(card.size()) < FitsCard)
      throw InputError({"the file ends within a header", where, "a header that closes with END",
                        std::to_string(header.cards().size()) + " whole cards in " +
                            std::to_string(reader.position() - offset) + " bytes",
                        "the file is truncated: get it again"});
    for (char const c : card)
      if (static_cast<unsigned char>(c) < ' ')
        throw InputError({"broken header card", where, "80 printable characters",
                          fmt::format("a control character (code {}) in card {}", static_cast<unsigned char>(c),
                                      header.cards().size() + 1),
                          "the file is damaged: get it again"});
    if (card.substr(0, 8) == "END     ") return offset + padded_to_block(reader.position() - offset);
    header.append(model::Card{std::string(card)});
  }
}

std::string upper_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::vector<std::int64_t> read_axes(Hdu const& hdu, std::string const& prefix, std::string const& where) {
  auto const count = require_integer(hdu, prefix + "NAXIS", 0, 999, where);
  std::vector<std::int64_t> axes;
  for (long long i = 1; i <= count; ++i)
    axes.push_back(require_integer(hdu, prefix + "NAXIS" + std::to_string(i), 0, INT64_MAX, where));
  return axes;
}

void check_bitpix(long long bitpix, std::string const& keyword, std::string const& where) {
  static constexpr std::array<long long, 6> Known{8, 16, 32, 64, -32, -64};
  if (std::find(Known.begin(), Known.end(), bitpix) == Known.end())
    throw InputError({"keyword " + keyword + " is wrong", where, "8, 16, 32, 64, -32 or -64", std::to_string(bitpix),
                      "the header is damaged: get the file again"});
}

Hdu::Kind kind_of(Hdu const& hdu, bool random_groups) {
  if (random_groups) return Hdu::Kind::Other;
  auto const extension = hdu.index == 0 ? "IMAGE" : hdu.header.text("XTENSION").value_or("");
  if (extension == "IMAGE" || extension == "IUEIMAGE") return hdu.axes.empty() ? Hdu::Kind::None : Hdu::Kind::Image;
  if (extension == "BINTABLE" || extension == "A3DTABLE")
    return hdu.header.logical("ZIMAGE").value_or(false) ? Hdu::Kind::TileCompressedImage : Hdu::Kind::BinaryTable;
  return extension == "TABLE" ? Hdu::Kind::AsciiTable : Hdu::Kind::Other;
}

/// Fills everything but offsets and the header from the header.
void interpret(Hdu& hdu, std::string const& where) {
  auto const bitpix = require_integer(hdu, "BITPIX", -64, 64, where);
  check_bitpix(bitpix, "BITPIX", where);
  hdu.bitpix = static_cast<int>(bitpix);
  hdu.axes = read_axes(hdu, "", where);
  bool const random_groups = !hdu.axes.empty() && hdu.axes[0] == 0 && hdu.header.logical("GROUPS").value_or(false);
  hdu.kind = kind_of(hdu, random_groups);

  std::int64_t values = hdu.axes.empty() ? 0 : 1;
  for (std::size_t i = random_groups ? 1 : 0; i < hdu.axes.size(); ++i)
    values = checked_multiply(values, hdu.axes[i], where);
  if (hdu.index > 0 || random_groups) {
    auto const parameters = hdu.header.has("PCOUNT") ? require_integer(hdu, "PCOUNT", 0, INT64_MAX / 2, where) : 0;
    auto const groups = hdu.header.has("GCOUNT") ? require_integer(hdu, "GCOUNT", 0, INT64_MAX / 2, where) : 1;
    if (__builtin_add_overflow(values, parameters, &values)) values = INT64_MAX;
    values = checked_multiply(values, groups, where);
  }
  hdu.data_bytes = checked_multiply(values, std::abs(hdu.bitpix) / 8, where);

  if (hdu.kind == Hdu::Kind::TileCompressedImage) {
    auto const original = require_integer(hdu, "ZBITPIX", -64, 64, where);
    check_bitpix(original, "ZBITPIX", where);
    hdu.bitpix = static_cast<int>(original);
    hdu.axes = read_axes(hdu, "Z", where);
  }
  if (hdu.is_image()) {
    hdu.bscale = hdu.header.real("BSCALE").value_or(1);
    hdu.bzero = hdu.header.real("BZERO").value_or(0);
    if (hdu.bitpix > 0) hdu.blank = hdu.header.integer("BLANK");
  }
  hdu.extname = upper_case(hdu.header.text("EXTNAME").value_or(hdu.index == 0 ? "PRIMARY" : ""));
  hdu.extver = static_cast<int>(std::clamp<long long>(hdu.header.integer("EXTVER").value_or(1), INT32_MIN, INT32_MAX));
}

/// The first card must be SIMPLE = T.
void check_beginning(PosixFile const& file, std::string const& name) {
  std::array<std::byte, FitsCard> first{};
  auto const count = file.read_at(0, first);
  if (count == 0) throw InputError({"the file is empty", name, "a FITS file", "0 bytes", "get the file again"});
  auto const card = as_text(first.data(), count);
  if (!card.starts_with("SIMPLE  =")) {
    std::string start(card.substr(0, 9));
    for (char& c : start)
      if (c < ' ' || c > '~') c = '?';
    throw InputError(
        {"is no FITS file", name, "'SIMPLE  =' at the start", fmt::format("'{}'", start), "give a FITS file"});
  }
}

}  // namespace

std::vector<Hdu> scan_hdus(PosixFile const& file, std::string const& name) {
  check_beginning(file, name);
  std::int64_t const size = file.size();
  std::vector<Hdu> hdus;
  std::int64_t offset = 0;
  while (offset < size) {
    std::string where = fmt::format("{}[{}]", name, hdus.size());
    if (!hdus.empty()) {
      std::array<std::byte, 8> start{};
      auto const found = as_text(start.data(), file.read_at(offset, start));
      if (!std::string_view("XTENSION").starts_with(found)) {
        if (found.find_first_not_of(std::string_view("\0 ", 2)) != std::string_view::npos)
          log::warn("{}: {} bytes after the last HDU are no HDU and are left out", name, size - offset);
        break;
      }
    }
    Hdu hdu;
    hdu.index = static_cast<int>(hdus.size());
    hdu.header_offset = offset;
    hdu.data_offset = read_cards(file, offset, where, hdu.header);
    if (auto const extname = hdu.header.text("EXTNAME"); extname && !extname->empty())
      where = fmt::format("{}[{}]", name, *extname);
    interpret(hdu, where);
    if (hdu.index == 0 && !hdu.header.logical("SIMPLE").value_or(false))
      throw InputError({"does not follow the FITS standard", where, "SIMPLE = T", "another value",
                        "convert the file to standard FITS"});
    // Compared without adding, which could overflow.
    if (hdu.data_bytes > std::max<std::int64_t>(0, size - hdu.data_offset))
      throw InputError({"the file ends within the data", where, std::to_string(hdu.data_bytes) + " bytes of data",
                        std::to_string(std::max<std::int64_t>(0, size - hdu.data_offset)) + " bytes",
                        "the file is truncated: get it again"});
    offset = hdu.data_offset + padded_to_block(hdu.data_bytes);
    hdus.push_back(std::move(hdu));
  }
  return hdus;
}

}  // namespace tessera::io
