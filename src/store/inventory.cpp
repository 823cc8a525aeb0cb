#include "tessera/store/inventory.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

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
  } catch (std::exception const& error) {  // whatever a broken file leads to, it must not end the job
    finding.broken = InputNote{source.path, true, fmt::format("{}: cannot be examined: {}", source.path, error.what())};
  }
  return finding;
}

nlohmann::json note_json(InputNote const& note) { return {note.path, note.left_out, note.text}; }
InputNote note_from(nlohmann::json const& json) { return {json.at(0), json.at(1), json.at(2)}; }

std::vector<std::uint8_t> pack(std::vector<Finding> const& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (auto const& finding : findings) {
    nlohmann::json item{{"source", finding.source}, {"notes", nlohmann::json::array()}};
    if (finding.record) item["record"] = nlohmann::json::binary(pack_record(*finding.record));
    for (auto const& note : finding.notes) item["notes"].push_back(note_json(note));
    if (finding.broken) item["broken"] = note_json(*finding.broken);
    list.push_back(std::move(item));
  }
  return nlohmann::json::to_cbor(list);  // paths and messages may hold bytes that JSON text cannot
}

}  // namespace

Inventory take_inventory(parallel::Communicator const& communicator, std::vector<ExposureSource> const& sources,
                         RecordFilter const& filter) {
  std::vector<Finding> mine;
  for (auto index = static_cast<std::size_t>(communicator.rank()); index < sources.size();
       index += static_cast<std::size_t>(communicator.size()))
    mine.push_back(examine(index, sources[index]));

  std::vector<nlohmann::json> by_source(sources.size());
  auto const packed = pack(mine);
  for (auto const& part : communicator.all_gather(std::as_bytes(std::span(packed))))
    for (auto const& item : nlohmann::json::from_cbor(reinterpret_cast<std::uint8_t const*>(part.data()),
                                                      reinterpret_cast<std::uint8_t const*>(part.data()) + part.size()))
      by_source[item.at("source").get<std::size_t>()] = item;

  Inventory inventory;
  std::set<std::string> said;
  auto const key = [](InputNote const& note) { return note.path + '\0' + note.text; };
  for (auto const& item : by_source) {
    // A file that several targets might take is said once.
    if (item.contains("broken") && said.insert(key(note_from(item.at("broken")))).second)
      inventory.broken.push_back(note_from(item.at("broken")));
    bool wanted = item.contains("broken") || !item.contains("record");
    if (item.contains("record")) {
      auto record = unpack_record(item.at("record").get_binary());
      wanted = !filter || filter(record);
      if (wanted) inventory.records.push_back(std::move(record));
    }
    if (!wanted) continue;
    for (auto const& note : item.at("notes"))
      if (said.insert(key(note_from(note))).second) inventory.notes.push_back(note_from(note));
  }
  return inventory;
}

}  // namespace tessera::store
