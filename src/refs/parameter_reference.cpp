#include "tessera/refs/parameter_reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/refs/check_reference.hpp"
#include "tessera/refs/step_references.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

io::AsdfValue value_of_json(nlohmann::json const& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    auto items = io::AsdfValue::sequence();
    for (auto const& item : json) items.append(value_of_json(item));
    return items;
  }
  if (!json.is_object()) return {};
  auto members = io::AsdfValue::mapping();
  for (auto const& [key, value] : json.items()) members.set(key, value_of_json(value));
  return members;
}

io::AsdfValue read_tree(std::filesystem::path const& path) {
  if (path.extension() != ".json") return io::AsdfDocument::read(path).tree();
  std::ifstream stream(path);
  if (!stream) throw InputError({"cannot be read", path.string(), "", "", ""});
  auto const json = nlohmann::json::parse(stream, nullptr, false);
  if (json.is_discarded()) throw InputError({"broken parameter reference", path.string(), "JSON", "", ""});
  return value_of_json(json);
}

std::string text_of(io::AsdfValue const& mapping, char const* key) {
  auto const* value = mapping.find(key);
  return value && value->string() ? *value->string() : "";
}

}  // namespace

ParameterReference read_parameter_reference(std::filesystem::path const& path) {
  auto const tree = read_tree(path);
  auto const* parameters = tree.find("parameters");
  if (!parameters || !parameters->entries())
    throw InputError({"broken parameter reference", path.string(), "a mapping called parameters",
                      parameters ? parameters->kind() : "none", ""});
  // Older files have class, name and steps among the parameters.
  bool const is_older = !tree.find("class") && parameters->find("class");
  auto const& head = is_older ? *parameters : tree;
  ParameterReference reference;
  reference.class_name = text_of(head, "class");
  reference.name = text_of(head, "name");
  for (auto const& [key, value] : *parameters->entries())
    if (!is_older || (key != "class" && key != "name" && key != "steps")) reference.own[key] = value;
  auto const* steps = head.find("steps");
  if (!steps) return reference;
  auto const add = [&](std::string const& step, io::AsdfValue const* values) {
    if (!values || !values->entries()) return;
    for (auto const& [key, value] : *values->entries()) reference.of_steps[step + "." + key] = value;
  };
  if (auto const* list = steps->sequence_items())
    for (auto const& step : *list) add(text_of(step, "name"), step.find("parameters"));
  if (auto const* aliases = steps->entries())
    for (auto const& [alias, values] : *aliases) add(alias, &values);
  return reference;
}

io::AsdfValue const* StepParameters::find(std::string_view key) const {
  auto const found = by_key.find(std::string(key));
  if (found == by_key.end() || found->second.is_null()) return nullptr;
  auto const* text = found->second.string();
  return text && strip(*text) == "None" ? nullptr : &found->second;
}

void StepParameters::refuse(std::string_view key, std::string expected) const {
  auto const& value = by_key.at(std::string(key));
  auto const from = source.find(std::string(key));
  throw InputError({"a parameter of CRDS has the wrong type",
                    fmt::format("{}: {}", from == source.end() ? "pars" : from->second, key), std::move(expected),
                    value.kind(), "set it in the configuration, or switch parameter references off"});
}

std::optional<bool> StepParameters::boolean(std::string_view key) const {
  auto const* value = find(key);
  if (!value) return std::nullopt;
  if (auto const* flag = value->boolean()) return *flag;
  if (auto const* text = value->string()) {
    auto const folded = lower(strip(*text));
    if (folded == "true" || folded == "false") return folded == "true";
  }
  refuse(key, "true or false");
}

std::optional<std::int64_t> StepParameters::integer(std::string_view key) const {
  auto const* value = find(key);
  if (!value) return std::nullopt;
  if (auto const* integer = value->integer()) return *integer;
  auto const number = real(key);
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15) refuse(key, "an integer");
  return static_cast<std::int64_t>(*number);
}

std::optional<double> StepParameters::real(std::string_view key) const {
  auto const* value = find(key);
  if (!value) return std::nullopt;
  if (value->is_number()) return value->real();
  if (auto const* text = value->string()) {
    auto const stripped = strip(*text);
    double number = 0;
    auto const [end, error] = std::from_chars(stripped.data(), stripped.data() + stripped.size(), number);
    if (error == std::errc() && end == stripped.data() + stripped.size()) return number;
  }
  refuse(key, "a number");
}

std::optional<std::string> StepParameters::text(std::string_view key) const {
  auto const* value = find(key);
  if (!value) return std::nullopt;
  if (auto const* text = value->string()) return *text;
  if (auto const* flag = value->boolean()) return *flag ? "True" : "False";
  if (auto const* integer = value->integer()) return std::to_string(*integer);
  if (value->is_number()) return fmt::format("{}", value->real());
  refuse(key, "text");
}

bool parameter_references_enabled() {
  char const* said = std::getenv("STPIPE_DISABLE_CRDS_STEPPARS");
  auto const folded = said ? lower(strip(said)) : "";
  return folded != "true" && folded != "1" && folded != "yes" && folded != "t" && folded != "y" && folded != "on";
}

StepParameters collect_step_parameters(RefSelector const& selector, ExposureParameters const& exposure,
                                       std::string_view pipeline, bool enabled) {
  StepParameters all;
  if (!enabled) return all;
  std::vector<std::string> known;
  try {
    known = selector.types(exposure.instrument());
  } catch (InputError const& error) {
    all.notes.push_back(error.problem().line());
  }
  auto const put = [&](std::string const& key, io::AsdfValue const& value, std::string const& file) {
    all.by_key[key] = value;
    all.source[key] = file;
  };
  auto const load = [&](std::string const& type) -> std::optional<std::pair<ParameterReference, std::string>> {
    auto const selected = selector.select(exposure, type);
    bool const is_known = std::find(known.begin(), known.end(), type) != known.end();
    if (is_known && selected.status == SelectedReference::Status::Error)
      all.notes.push_back(fmt::format("{}: its parameters are not used: {}", type, selected.reason));
    if (!selected.is_found()) return std::nullopt;
    if (check_reference(selected.path).kind == ReferenceState::Kind::Missing) {
      all.notes.push_back(
          fmt::format("{}: {} is not in the CRDS cache: its parameters are not used", type, selected.path.string()));
      return std::nullopt;
    }
    try {
      return std::pair{read_parameter_reference(selected.path), selected.file};
    } catch (Error const& error) {
      all.notes.push_back(fmt::format("{}: its parameters are not used: {}", type, error.problem().line()));
      return std::nullopt;
    }
  };
  for (auto const& step : pipeline_references(pipeline))
    if (auto const loaded = load(step.parameter_type))
      for (auto const& [key, value] : loaded->first.own) put(step.step + "." + key, value, loaded->second);
  if (auto const loaded = load(pipeline_parameter_type(pipeline))) {
    for (auto const& [key, value] : loaded->first.own) put(key, value, loaded->second);
    for (auto const& [key, value] : loaded->first.of_steps) put(key, value, loaded->second);
  }
  return all;
}

}  // namespace tessera::refs
