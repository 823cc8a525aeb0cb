#include "tessera/store/inventory.hpp"

#include <nlohmann/json.hpp>

#include "tessera/core/error.hpp"

namespace tessera::store {

namespace {

/// What one rank found out about one source.
struct Finding {
  std::size_t source = 0;
  std::optional<ExposureRecord> record;
  std::vector<InputNote> notes;
  std::optional<InputNote> broken;
};

Finding examine(std::size_t index, ExposureSource const& source) {
  Finding finding{index, std::nullopt, {}, std::nullopt};
  try {
    finding.record = examine_exposure(source, finding.notes);
  } catch (Error const& error) {
    finding.broken = InputNote{source.path, true, error.what()};
  } catch (std::filesystem::filesystem_error const& error) {
    finding.broken = InputNote{source.path, true, error.what()};
  }
  return finding;
}

nlohmann::json note_json(InputNote const& note) { return {note.path, note.left_out, note.text}; }
InputNote note_from(nlohmann::json const& json) { return {json.at(0), json.at(1), json.at(2)}; }

std::string pack(std::vector<Finding> const& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (auto const& finding : findings) {
    nlohmann::json item{{"source", finding.source}, {"notes", nlohmann::json::array()}};
    if (finding.record) item["record"] = to_json(*finding.record);
    for (auto const& note : finding.notes) item["notes"].push_back(note_json(note));
    if (finding.broken) item["broken"] = note_json(*finding.broken);
    list.push_back(std::move(item));
  }
  // Paths and error texts may hold bytes that are no UTF-8; they are replaced rather than ending the run.
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Inventory take_inventory(parallel::Communicator const& communicator, std::vector<ExposureSource> const& sources,
                         RecordFilter const& filter) {
  std::vector<Finding> mine;
  for (auto index = static_cast<std::size_t>(communicator.rank()); index < sources.size();
       index += static_cast<std::size_t>(communicator.size()))
    mine.push_back(examine(index, sources[index]));

  std::vector<nlohmann::json> by_source(sources.size());
  for (auto const& part : communicator.all_gather(pack(mine)))
    for (auto const& item : nlohmann::json::parse(part)) by_source[item.at("source").get<std::size_t>()] = item;

  Inventory inventory;
  for (auto const& item : by_source) {
    if (item.contains("broken")) inventory.broken.push_back(note_from(item.at("broken")));
    bool wanted = item.contains("broken") || !item.contains("record");
    if (item.contains("record")) {
      auto record = record_from_json(item.at("record").get<std::string>());
      wanted = !filter || filter(record);
      if (wanted) inventory.records.push_back(std::move(record));
    }
    if (!wanted) continue;
    for (auto const& note : item.at("notes")) inventory.notes.push_back(note_from(note));
  }
  return inventory;
}

}  // namespace tessera::store
