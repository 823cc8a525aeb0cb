#include "tessera/refs/mapping.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

void collect_duplicates(Literal const& value, std::string const& name, std::vector<std::string>& warnings) {
  for (int const line : value.duplicates)
    warnings.push_back(fmt::format("{}:{}: this key stands there twice; the last one counts", name, line));
  for (auto const& item : value.items) collect_duplicates(item, name, warnings);
  for (auto const& [key, member] : value.entries) collect_duplicates(member, name, warnings);
}

void verify_checksum(std::string_view text, Literal const& header, std::string const& name) {
  auto const* stated = header.find("sha1sum");
  if (!stated) return;
  auto const found = mapping_checksum(text);
  if (lower(stated->scalar_text()) == found) return;
  throw InputError({"wrong checksum: the mapping was changed or copied badly", name, "sha1sum " + stated->scalar_text(),
                    found, "copy it again (crds sync), or set CRDS_IGNORE_MAPPING_CHECKSUM=1"});
}

}  // namespace

std::string sha1(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  TESSERA_EXPECT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha1(), nullptr) == 1);
  std::string text;
  for (unsigned k = 0; k < length; ++k) text += fmt::format("{:02x}", digest[k]);
  return text;
}

std::string mapping_checksum(std::string_view text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    auto const end = text.find('\n', at);
    auto const line = text.substr(at, end == std::string_view::npos ? end : end + 1 - at);
    if (line.find("sha1sum") == std::string_view::npos) kept += line;
    at += line.size();
  }
  return sha1(kept);
}

Mapping Mapping::parse(std::string_view text, std::string const& name, bool verify) {
  Mapping mapping;
  mapping.name = name;
  Literal const *header = nullptr, *selector = nullptr;
  auto const assignments = parse_assignments(text, name);
  for (auto const& assignment : assignments) {
    if (assignment.name == "header")
      header = &assignment.value;
    else if (assignment.name == "selector")
      selector = &assignment.value;
    else if (assignment.name != "comment")
      throw InputError({"broken mapping", fmt::format("{}:{}", name, assignment.value.line),
                        "only header, comment and selector", assignment.name, ""});
    collect_duplicates(assignment.value, name, mapping.warnings);
  }
  if (!header || !header->is_dict() || !selector)
    throw InputError({"broken mapping", name, "header = {...} and selector = ...",
                      text.empty() ? "an empty file" : "none", "copy it again (crds sync)"});
  if (verify) verify_checksum(text, *header, name);
  if (name.ends_with(".rmap")) {
    mapping.rules = RuleTree::compile(*header, *selector, name);
    return mapping;
  }
  if (!selector->is_dict()) throw InputError({"broken mapping", name, "selector = {...}", selector->describe(), ""});
  for (auto const& [key, value] : selector->entries) {
    if (!key.is_text() || !value.is_text())
      throw InputError({"broken mapping", fmt::format("{}:{}", name, key.line), "a name and a mapping",
                        key.describe() + ": " + value.describe(), ""});
    mapping.members[upper(key.text)] = value.text;
  }
  return mapping;
}

}  // namespace tessera::refs
