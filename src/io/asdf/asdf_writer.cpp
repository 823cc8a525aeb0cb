#include "tessera/io/asdf_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "yaml_tree.hpp"

namespace tessera::io {

namespace {

constexpr std::size_t MostFlowItems = 24;

/// 17 significant digits at most, and always a point: YAML 1.1 readers take "1e-05" for a string.
std::string format_real(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  std::string text = fmt::format("{}", value);
  auto const exponent = text.find('e');
  if (text.find('.') == std::string::npos) text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
  return text;
}

bool is_plain(std::string const& text) {
  if (text.empty() || !(std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '_')) return false;
  bool const is_safe = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '/' || c == '+';
  });
  return is_safe && resolve_plain_scalar(text).string();
}

std::string format_text(std::string const& text) {
  if (is_plain(text)) return text;
  std::string quoted = "\"";
  for (char const c : text) {
    auto const code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      quoted += std::string("\\") + c;
    else if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else if (code < 0x20 || code == 0x7F)
      quoted += fmt::format("\\x{:02x}", code);
    else
      quoted += c;
  }
  return quoted + '"';
}

std::string format_tag(std::string const& tag) {
  constexpr std::string_view Prefix = "tag:stsci.edu:asdf/";
  if (tag.empty()) return {};
  if (tag.rfind(Prefix, 0) == 0) return "!" + tag.substr(Prefix.size());
  return "!<" + tag + ">";
}

std::string scalar_text(AsdfValue const& value) {
  if (value.is_null()) return "null";
  if (auto const* boolean = value.boolean()) return *boolean ? "true" : "false";
  if (auto const* integer = value.integer()) return std::to_string(*integer);
  if (auto const* text = value.string()) return format_text(*text);
  return format_real(value.real());
}

/// Short lists of scalars, or of such lists, are written on one line.
bool fits_flow(AsdfValue const& value, std::size_t& count) {
  if (value.entries()) return value.entries()->empty() && value.tag().empty();
  if (value.array()) return false;
  if (auto const* items = value.sequence_items())
    return std::all_of(items->begin(), items->end(), [&](AsdfValue const& item) { return fits_flow(item, count); });
  return ++count <= MostFlowItems;
}

class TreeWriter {
 public:
  std::string text;
  std::vector<AsdfArray const*> blocks;

  void write_members(AsdfValue const& mapping, int indent) {
    for (auto const& [key, value] : *mapping.entries()) {
      text.append(static_cast<std::size_t>(indent), ' ');
      text += format_text(key) + ":";
      write_after(value, indent);
    }
  }

 private:
  static std::string flow(AsdfValue const& value) {
    std::string result = value.tag().empty() ? std::string() : format_tag(value.tag()) + " ";
    if (value.entries()) return result + "{}";
    auto const* items = value.sequence_items();
    if (!items) return result + scalar_text(value);
    result += '[';
    for (std::size_t k = 0; k < items->size(); ++k) result += (k ? ", " : "") + flow((*items)[k]);
    return result + ']';
  }

  /// What follows "key:" or "-", to the end of the line and the lines below.
  void write_after(AsdfValue const& value, int indent) {
    std::size_t count = 0;
    if (auto const* array = value.array()) {
      write_array(*array, indent + 2);
    } else if (fits_flow(value, count)) {
      text += " " + flow(value) + "\n";
    } else {
      if (!value.tag().empty()) text += " " + format_tag(value.tag());
      if (value.entries() && value.entries()->empty()) {
        text += " {}\n";
        return;
      }
      text += "\n";
      if (value.entries()) return write_members(value, indent + 2);
      for (auto const& item : *value.sequence_items()) {
        text.append(static_cast<std::size_t>(indent) + 2, ' ');
        text += "-";
        write_after(item, indent + 2);
      }
    }
  }

  void write_array(AsdfArray const& array, int indent) {
    TESSERA_EXPECT(array.datatype.type != AsdfType::Record);
    std::string const margin(static_cast<std::size_t>(indent), ' ');
    text += " !core/ndarray-1.0.0\n";
    text += fmt::format("{0}source: {1}\n{0}datatype: {2}\n{0}byteorder: {3}\n{0}shape: [{4}]\n", margin, blocks.size(),
                        array.datatype.name(), std::endian::native == std::endian::big ? "big" : "little",
                        fmt::join(array.shape, ", "));
    blocks.push_back(&array);
  }
};

void append_big_endian(std::string& bytes, std::uint64_t value, int count) {
  for (int k = count - 1; k >= 0; --k) bytes += static_cast<char>(value >> (8 * k) & 0xFF);
}

void append_block(std::string& bytes, AsdfArray const& array) {
  constexpr int HeaderSize = 48;
  bytes +=
      "\xD3"
      "BLK";
  append_big_endian(bytes, HeaderSize, 2);
  append_big_endian(bytes, 0, 4);  // flags
  append_big_endian(bytes, 0, 4);  // no compression
  for (int size = 0; size < 3; ++size) append_big_endian(bytes, array.bytes.size(), 8);
  bytes.append(16, '\0');  // MD5 not computed
  bytes.append(reinterpret_cast<char const*>(array.bytes.data()), array.bytes.size());
}

}  // namespace

std::vector<std::byte> write_asdf(AsdfValue const& tree) {
  TESSERA_EXPECT(tree.entries() != nullptr);
  AsdfValue library =
      AsdfValue::mapping({{"author", "tessera"}, {"name", "tessera"}, {"version", build_facts().version}});
  library.set_tag("tag:stsci.edu:asdf/core/software-1.0.0");
  AsdfValue root = AsdfValue::mapping({{"asdf_library", std::move(library)}});
  for (auto const& [key, value] : *tree.entries())
    if (key != "asdf_library") root.set(key, value);

  TreeWriter writer;
  writer.text = "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n";
  writer.write_members(root, 0);
  writer.text += "...\n";
  std::string file = std::move(writer.text);
  std::string index = "#ASDF BLOCK INDEX\n%YAML 1.1\n---\n";
  for (auto const* array : writer.blocks) {
    index += fmt::format("- {}\n", file.size());
    append_block(file, *array);
  }
  if (!writer.blocks.empty()) file += index + "...\n";
  std::vector<std::byte> bytes(file.size());
  std::memcpy(bytes.data(), file.data(), file.size());
  return bytes;
}

AsdfValue make_datamodel_tree(AsdfValue meta, sky::Gwcs const* wcs, std::vector<FitsArrayReference> const& arrays) {
  AsdfValue tree = AsdfValue::mapping();
  for (auto const& array : arrays) {
    AsdfValue node = AsdfValue::mapping({{"source", fmt::format("fits:{},{}", array.extname, array.extver)},
                                         {"datatype", array.datatype},
                                         {"byteorder", "big"},
                                         {"shape", AsdfValue::Sequence(array.shape.begin(), array.shape.end())}});
    node.set_tag("tag:stsci.edu:asdf/core/ndarray-1.0.0");
    tree.set(array.key, std::move(node));
  }
  if (wcs) meta.set("wcs", make_wcs_value(*wcs));
  tree.set("meta", meta.is_null() ? AsdfValue::mapping() : std::move(meta));
  return tree;
}

}  // namespace tessera::io
