#include "tessera/config/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tessera/core/nearest_name.hpp"

namespace tessera::config {

namespace {

struct Row {
  std::string key;
  Parameter const* parameter;
};

void append_rows(ParameterTable const& table, std::string const& prefix, std::vector<Row>& rows) {
  for (auto const& parameter : table.parameters) {
    bool const is_hidden = parameter.support == Support::Retired || !parameter.alias_of.empty() ||
                           (parameter.support == Support::NoEffect && !prefix.empty());
    if (is_hidden) continue;
    std::string const key = prefix + parameter.key;
    rows.push_back({key, &parameter});
    if (parameter.content == Content::Attributes || parameter.content == Content::Iterations)
      append_rows(inner_table(parameter.inner.front()),
                  key + (parameter.content == Content::Iterations ? "[.iterationN]." : "."), rows);
    if (parameter.content == Content::SubSteps)
      for (std::size_t index = 0; index < parameter.inner.size(); ++index)
        append_rows(inner_table(parameter.inner[index]), key + "." + (index ? parameter.inner[index] + "." : ""), rows);
  }
}

std::vector<Row> rows_of(ParameterTable const& table) {
  std::vector<Row> rows;
  append_rows(table, "", rows);
  return rows;
}

std::string default_text(Parameter const& parameter) {
  return parameter.default_value.is_none() ? "unset" : parameter.default_value.json();
}

std::string values_text(Parameter const& parameter) {
  std::string text = type_name(parameter.type);
  if (!parameter.allowed.empty()) {
    text = parameter.type == ParameterType::List ? "a list of: " : "one of: ";
    for (std::size_t index = 0; index < parameter.allowed.size(); ++index)
      text += (index ? ", " : "") + (parameter.allowed[index].empty() ? "\"\"" : parameter.allowed[index]);
  }
  if (parameter.least && parameter.most) text += fmt::format(", {} to {}", *parameter.least, *parameter.most);
  if (parameter.least && !parameter.most) text += fmt::format(", at least {}", *parameter.least);
  if (!parameter.unit.empty()) text += " [" + parameter.unit + "]";
  return text;
}

std::string_view support_text(Support support) {
  switch (support) {
    case Support::Built:
      return "";
    case Support::NotBuilt:
      return " (not yet built)";
    case Support::NoEffect:
      return " (no effect here)";
    case Support::Retired:
      return " (no longer exists)";
  }
  return "";
}

std::string_view class_text(StepClass step_class) {
  switch (step_class) {
    case StepClass::Combined:
      return "once a target";
    case StepClass::PerBand:
      return "once a target and band";
    case StepClass::Implicit:
      return "by itself, before the first step of a band";
  }
  return "";
}

std::string explain_table(ParameterTable const& table) {
  std::string text;
  for (auto const& [key, parameter] : rows_of(table))
    text += fmt::format("  {} = {}\n      {}: {}{}\n", key, default_text(*parameter), values_text(*parameter),
                        parameter->help, support_text(parameter->support));
  return text;
}

}  // namespace

std::string explain_step(std::string_view name) {
  if (name == "tessera")
    return "[tessera]: what pjpipe does not have, in config.toml or local.toml (which wins)\n\n" +
           explain_table(tessera_table());
  auto const* step = find_step(name);
  if (!step)
    throw ConfigError({.what = "unknown step",
                       .where = "explain",
                       .found = "'" + std::string(name) + "'",
                       .remedy = suggest_name(name, step_names())});
  std::string_view const built = step->is_built ? "" : " Not yet built.";
  return fmt::format("{0}: {1}\nRuns {2}.{3}\n\n[parameters.{0}]\n{4}", step->name, step->purpose,
                     class_text(step->step_class), built, explain_table(step->table));
}

std::string list_steps() {
  std::string text;
  for (auto const& step : all_steps())
    text += fmt::format("{:<26} {:<14} {}\n", step.name, step.is_built ? "" : "not yet built", step.purpose);
  return text;
}

std::string markdown_table(ParameterTable const& table) {
  std::string text = "| key | values | default | meaning |\n|---|---|---|---|\n";
  for (auto const& [key, parameter] : rows_of(table))
    text += fmt::format("| `{}` | {} | `{}` | {}{} |\n", key, values_text(*parameter), default_text(*parameter),
                        parameter->help, support_text(parameter->support));
  return text;
}

}  // namespace tessera::config
