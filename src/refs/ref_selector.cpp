#include "tessera/refs/ref_selector.hpp"

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

using Status = SelectedReference::Status;

void take(SelectedReference& reference, RuleOutcome outcome) {
  switch (outcome.kind) {
    case RuleOutcome::Kind::File:
      reference.status = Status::Found;
      reference.file = outcome.file;
      break;
    case RuleOutcome::Kind::NotApplicable:
      reference.status = Status::NotApplicable;
      break;
    case RuleOutcome::Kind::Omitted:
      reference.status = Status::Omitted;
      break;
  }
  reference.reason = std::move(outcome.reason);
  reference.warnings.insert(reference.warnings.end(), outcome.warnings.begin(), outcome.warnings.end());
}

std::vector<std::string> keys_of(std::map<std::string, std::string> const& members) {
  std::vector<std::string> keys;
  for (auto const& [key, value] : members) keys.push_back(lower(key));
  return keys;
}

}  // namespace

std::string SelectedReference::keyword_value() const {
  if (!is_found()) return "N/A";
  return is_override ? path.string() : "crds://" + file;
}

RefSelector::RefSelector(CrdsCache cache, std::string_view context)
    : cache_(std::move(cache)), context_(cache_.context(context)), pipeline_(cache_.mapping(context_)) {}

void RefSelector::set_override(std::string_view type, std::string const& path) {
  overrides_[lower(strip(type))] = path;
}

void RefSelector::refuse_bad(std::string const& file) const {
  if (!allows_bad_files_ && cache_.is_bad(file))
    throw InputError({"CRDS lists this file as bad", file, "", "in context " + context_,
                      "take a newer context, or override the type"});
}

std::shared_ptr<Mapping const> RefSelector::instrument_mapping(std::string_view instrument) const {
  refuse_bad(context_);
  auto const found = pipeline_->members.find(upper(instrument));
  if (found == pipeline_->members.end())
    throw InputError({"unknown instrument", context_, "", std::string(instrument),
                      suggest_name(instrument, keys_of(pipeline_->members))});
  if (outcome_of_value(found->second).kind != RuleOutcome::Kind::File) return nullptr;
  refuse_bad(found->second);
  return cache_.mapping(found->second);
}

std::vector<std::string> RefSelector::types(std::string_view instrument) const {
  auto const mapping = instrument_mapping(instrument);
  return mapping ? keys_of(mapping->members) : std::vector<std::string>{};
}

SelectedReference RefSelector::choose(ExposureParameters const& exposure, std::string const& type) const {
  SelectedReference reference;
  reference.type = type;
  if (auto const said = overrides_.find(type); said != overrides_.end()) {
    reference.is_override = true;
    take(reference, outcome_of_value(said->second));
    if (reference.is_found()) reference.path = said->second;
    if (reference.status == Status::NotApplicable) reference.reason = "overridden by N/A";
    return reference;
  }
  if (exposure.instrument().empty())
    throw InputError({"the exposure names no instrument", "INSTRUME", "", "UNDEFINED", ""});
  auto const instrument = instrument_mapping(exposure.instrument());
  reference.mapping = context_;
  if (!instrument) {
    take(reference, outcome_of_value("N/A"));
    reference.reason = context_ + ": no references for " + exposure.instrument();
    return reference;
  }
  reference.mapping = instrument->name;
  auto const member = instrument->members.find(upper(type));
  if (member == instrument->members.end())
    throw InputError(
        {"unknown reference type", instrument->name, "", type, suggest_name(type, keys_of(instrument->members))});
  if (auto outcome = outcome_of_value(member->second); outcome.kind != RuleOutcome::Kind::File) {
    outcome.reason = fmt::format("{}: {} for this type", instrument->name, member->second);
    take(reference, std::move(outcome));
    return reference;
  }
  refuse_bad(member->second);
  auto const rules = cache_.mapping(member->second);
  reference.mapping = rules->name;
  reference.warnings = rules->warnings;
  if (!rules->rules) throw InputError({"not the rules of a type", instrument->name, "an .rmap", rules->name, ""});
  take(reference, rules->rules->select(exposure));
  if (!reference.is_found()) return reference;
  refuse_bad(reference.file);
  reference.path = cache_.reference_path(reference.file);
  return reference;
}

SelectedReference RefSelector::select(ExposureParameters const& exposure, std::string_view type) const {
  auto const name = lower(strip(type));
  try {
    return choose(exposure, name);
  } catch (InputError const& error) {
    SelectedReference reference;
    reference.type = name;
    reference.reason = error.problem().line();
    return reference;
  }
}

std::vector<SelectedReference> RefSelector::select_all(ExposureParameters const& exposure,
                                                       std::vector<std::string> const& types) const {
  std::vector<SelectedReference> all;
  for (auto const& type : types.empty() ? this->types(exposure.instrument()) : types) {
    auto reference = select(exposure, type);
    if (types.empty() && reference.status == Status::Omitted) continue;
    all.push_back(std::move(reference));
  }
  return all;
}

}  // namespace tessera::refs
