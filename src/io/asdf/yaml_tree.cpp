#include "yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "asdf_error.hpp"

namespace tessera::io {

namespace {

constexpr int MaxDepth = 256;
constexpr std::size_t MaxNodes = 2'000'000;  // a JWST product has some thousands; aliases of aliases can make billions

bool is_one_of(std::string const& text, std::initializer_list<char const*> candidates) {
  return std::any_of(candidates.begin(), candidates.end(), [&](char const* c) { return text == c; });
}

bool parse_integer(std::string const& text, std::int64_t& value) {
  bool const has_sign = text[0] == '-' || text[0] == '+';
  std::string digits = text.substr(has_sign ? 1 : 0);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    base = 16;
    digits.erase(0, 2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;  // YAML 1.1
  }
  if (digits.empty() || digits[0] == '-') return false;
  if (text[0] == '-') digits.insert(0, "-");
  auto const* const end = digits.data() + digits.size();
  auto const [stop, error] = std::from_chars(digits.data(), end, value, base);
  return error == std::errc() && stop == end;
}

bool parse_real(std::string const& text, double& value) {
  // from_chars also takes "nan" and "inf", which are words in YAML.
  if (text.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  if (text.find_first_of("0123456789") == std::string::npos) return false;
  char const* const begin = text.data() + (text[0] == '+' ? 1 : 0);
  char const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(begin, end, value);
  if (stop != end) return false;
  if (error == std::errc::result_out_of_range) value = std::strtod(text.c_str(), nullptr);
  return error == std::errc() || error == std::errc::result_out_of_range;
}

class TreeBuilder {
 public:
  explicit TreeBuilder(std::string const& file) : file_(file) {}

  AsdfValue build(YAML::Node const& node, int depth) {
    if (depth > MaxDepth)
      fail_asdf(file_, {}, "YAML tree is nested too deeply, or an alias contains itself",
                fmt::format("at most {} levels", MaxDepth));
    if (++node_count_ > MaxNodes)
      fail_asdf(file_, {}, "YAML tree is too large", fmt::format("at most {} nodes", MaxNodes));
    AsdfValue value;
    if (node.IsSequence()) {
      AsdfValue::Sequence items;
      for (auto const& item : node) items.push_back(build(item, depth + 1));
      value = std::move(items);
    } else if (node.IsMap()) {
      AsdfValue::Mapping entries;
      for (auto const& entry : node)
        if (entry.first.IsScalar()) entries.push_back({entry.first.Scalar(), build(entry.second, depth + 1)});
      value = std::move(entries);
    } else if (node.IsScalar()) {
      value = scalar(node);
    }
    std::string const& tag = node.Tag();
    if (!tag.empty() && tag != "?" && tag != "!" && tag.rfind("tag:yaml.org,2002:", 0) != 0) value.set_tag(tag);
    return value;
  }

 private:
  static AsdfValue scalar(YAML::Node const& node) {
    std::string const& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return node.Scalar();  // quoted
    if (tag.empty() || tag == "?" || tag.rfind("tag:yaml.org,2002:", 0) == 0)
      return resolve_plain_scalar(node.Scalar());
    return node.Scalar();  // a tagged string such as a unit
  }

  std::string const& file_;
  std::size_t node_count_ = 0;
};

}  // namespace

AsdfValue resolve_plain_scalar(std::string const& text) {
  if (text.empty() || is_one_of(text, {"~", "null", "Null", "NULL"})) return {};
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) return false;
  if (is_one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"}))
    return std::numeric_limits<double>::infinity();
  if (is_one_of(text, {"-.inf", "-.Inf", "-.INF"})) return -std::numeric_limits<double>::infinity();
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  std::int64_t integer = 0;
  if (parse_integer(text, integer)) return integer;
  double real = 0;
  if (parse_real(text, real)) return real;
  return text;
}

AsdfValue parse_yaml_tree(std::string const& text, std::string const& file) {
  try {
    return TreeBuilder(file).build(YAML::Load(text), 0);
  } catch (YAML::Exception const& error) {
    fail_asdf(file, {}, fmt::format("the tree is not valid YAML ({})", error.what()));
  }
}

}  // namespace tessera::io
