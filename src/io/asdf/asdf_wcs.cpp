#include "tessera/io/asdf_wcs.hpp"

#include <fmt/format.h>

#include "asdf_error.hpp"
#include "transform_reader.hpp"

namespace tessera::io {

namespace {

std::vector<std::string> text_list(AsdfValue const* value) {
  std::vector<std::string> texts;
  if (value && value->sequence_items())
    for (auto const& item : *value->sequence_items()) texts.push_back(item.string() ? *item.string() : std::string());
  return texts;
}

sky::GwcsFrame read_frame(AsdfDocument const& document, AsdfValue const& node, std::string const& path) {
  sky::GwcsFrame frame;
  if (auto const* name = node.string()) {
    frame.name = *name;
    return frame;
  }
  auto const* name = node.find("name");
  if (!name || !name->string())
    fail_asdf(document.name(), path, "frame without a name", "a string or a mapping with 'name'", node.kind());
  frame.name = *name->string();
  frame.kind =
      node.tag_name() == "gwcs/celestial_frame" ? sky::GwcsFrame::Kind::Celestial : sky::GwcsFrame::Kind::Plain2D;
  frame.axes_names = text_list(node.find("axes_names"));
  frame.units = text_list(node.find("unit"));
  return frame;
}

std::optional<double> optional_number(AsdfValue const* value) {
  if (!value || !value->is_number()) return std::nullopt;
  return value->real();
}

std::string text_of(AsdfValue const& entry, char const* key) {
  auto const* value = entry.find(key);
  return value && value->string() ? *value->string() : std::string();
}

}  // namespace

std::shared_ptr<sky::Gwcs const> read_wcs(AsdfDocument const& document, std::string const& path) {
  std::string found = path;
  auto const* node = document.find(path);
  if (!node || node->is_null()) {
    found = path.substr(path.rfind('.') + 1);
    node = document.find(found);
  }
  if (!node || node->is_null()) fail_asdf(document.name(), path, "there is no WCS");
  auto const* steps = node->find("steps");
  auto const* items = steps ? steps->sequence_items() : nullptr;
  if (node->tag_name() != "gwcs/wcs" || !items)
    fail_asdf(document.name(), found, "not a WCS", "gwcs/wcs with a list of steps", node->kind());
  TransformReader const reader(document);
  std::vector<sky::GwcsStep> read_steps;
  for (std::size_t k = 0; k < items->size(); ++k) {
    std::string const where = fmt::format("{}.steps.{}", found, k);
    auto const* frame = (*items)[k].find("frame");
    if (!frame) fail_asdf(document.name(), where, "step without a frame", "a mapping with 'frame'", (*items)[k].kind());
    sky::GwcsStep step{read_frame(document, *frame, where + ".frame"), nullptr};
    auto const* transform = (*items)[k].find("transform");
    if (transform && !transform->is_null()) step.transform = reader.read(*transform, where + ".transform");
    read_steps.push_back(std::move(step));
  }
  try {
    return std::make_shared<sky::Gwcs const>(text_of(*node, "name"), std::move(read_steps));
  } catch (InputError const& error) {
    auto const& problem = error.problem();
    fail_asdf(document.name(), found, problem.what + " (" + problem.where + ")", problem.expected, problem.found);
  }
}

sky::TransformPointer read_transform(AsdfDocument const& document, std::string const& path) {
  return TransformReader(document).read(document.at(path), path);
}

std::vector<FilterOffset> read_filter_offsets(AsdfDocument const& document) {
  AsdfValue const& filters = document.at("filters");
  auto const* items = filters.sequence_items();
  if (!items) fail_asdf(document.name(), "filters", "not a list of filter offsets", "a list", filters.kind());
  std::vector<FilterOffset> offsets;
  for (auto const& item : *items) {
    FilterOffset offset;
    offset.filter = text_of(item, "filter");
    if (offset.filter.empty()) offset.filter = text_of(item, "name");  // files before 2019
    if (offset.filter.empty())
      fail_asdf(document.name(), fmt::format("filters.{}", offsets.size()), "filter offset without a filter",
                "a mapping with 'filter'", item.kind());
    offset.pupil = text_of(item, "pupil");
    offset.column_offset = optional_number(item.find("column_offset"));
    offset.row_offset = optional_number(item.find("row_offset"));
    offsets.push_back(std::move(offset));
  }
  return offsets;
}

}  // namespace tessera::io
