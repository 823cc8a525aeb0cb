#include "tessera/steps/lv2/off_field.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "tessera/config/exposure_name.hpp"

namespace tessera::steps {

namespace {

/// Lower case, without blanks at the ends.
std::string plain(std::string_view text) {
  auto const is_blank = [](char letter) { return std::isspace(static_cast<unsigned char>(letter)) != 0; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::string lower(text);
  for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return lower;
}

bool is_parallel(FieldFacts const& facts) {
  if (auto const sequence = plain(facts.parallel_sequence); !sequence.empty()) return sequence == "2";
  auto const name = config::parse_exposure_name(facts.path);
  return name && name->is_parallel();
}

}  // namespace

bool is_off_field(FieldFacts const& facts, config::Band const& band, config::ResolvedParameters const& parameters) {
  auto const& type = parameters.text("bgr_check_type");
  if (type == "parallel_off") return band.instrument == config::Instrument::Miri && is_parallel(facts);
  auto const file = facts.path.substr(facts.path.rfind('/') + 1);  // npos + 1 is 0
  auto const where = plain(type == "filename" ? file : facts.target_name);
  auto const names = parameters.texts("bgr_background_name");
  return std::any_of(names.begin(), names.end(), [&](std::string const& name) {
    auto const wanted = plain(name);
    return !wanted.empty() && where.find(wanted) != std::string::npos;
  });
}

}  // namespace tessera::steps
