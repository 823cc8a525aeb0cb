#include "tessera/store/manifest.hpp"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::store {

namespace {

using Json = nlohmann::json;

Json inputs_json(Manifest const& manifest) {
  Json list = Json::array();
  for (auto const& [name, hash] : manifest.inputs) list.push_back({name, hash});
  return list;
}

}  // namespace

std::string Manifest::key() const {
  return io::sha256(Json{{"step", step},
                         {"algorithm", algorithm},
                         {"parameters", parameters.empty() ? Json::object() : Json::parse(parameters)},
                         {"inputs", inputs_json(*this)}}
                        .dump());
}

std::filesystem::path manifest_path(std::filesystem::path const& product) {
  auto path = product;
  path += ".manifest.json";
  return path;
}

void write_manifest(std::filesystem::path const& product, Manifest const& manifest) {
  Json const json{{"product", manifest.product},
                  {"step", manifest.step},
                  {"algorithm", manifest.algorithm},
                  {"parameters", manifest.parameters.empty() ? Json::object() : Json::parse(manifest.parameters)},
                  {"inputs", inputs_json(manifest)},
                  {"program", manifest.program},
                  {"key", manifest.key()}};
  io::write_file(manifest_path(product), json.dump(1) + "\n");
}

std::optional<Manifest> read_manifest(std::filesystem::path const& product) {
  auto const path = manifest_path(product);
  std::ifstream stream(path);
  if (!stream) return std::nullopt;
  try {
    Json const json = Json::parse(stream);
    Manifest manifest;
    manifest.product = json.at("product");
    manifest.step = json.at("step");
    manifest.algorithm = json.at("algorithm");
    manifest.parameters = json.at("parameters").dump();
    for (auto const& input : json.at("inputs")) manifest.inputs.emplace_back(input.at(0), input.at(1));
    manifest.program = json.at("program");
    return manifest;
  } catch (std::exception const& error) {
    log::warn("{}: cannot be read ({}); the product is made again", path.string(), error.what());
    return std::nullopt;
  }
}

std::string describe_difference(Manifest const& before, Manifest const& now) {
  if (before.step != now.step) return "step: " + before.step + " -> " + now.step;
  if (before.algorithm != now.algorithm)
    return fmt::format("algorithm of {}: {} -> {}", now.step, before.algorithm, now.algorithm);
  Json const old_parameters = before.parameters.empty() ? Json::object() : Json::parse(before.parameters);
  Json const new_parameters = now.parameters.empty() ? Json::object() : Json::parse(now.parameters);
  for (auto const& [name, value] : new_parameters.items()) {
    Json const previous = old_parameters.contains(name) ? old_parameters.at(name) : Json("not set");
    if (previous != value) return "parameter " + name + ": " + previous.dump() + " -> " + value.dump();
  }
  for (auto const& [name, value] : old_parameters.items())
    if (!new_parameters.contains(name)) return "parameter " + name + ": " + value.dump() + " -> not set";
  std::map<std::string, std::string> const old_inputs(before.inputs.begin(), before.inputs.end());
  std::map<std::string, std::string> const new_inputs(now.inputs.begin(), now.inputs.end());
  for (auto const& [name, hash] : new_inputs) {
    auto const found = old_inputs.find(name);
    if (found == old_inputs.end()) return "input " + name + ": new";
    if (found->second != hash) return "input " + name + ": changed";
  }
  for (auto const& [name, hash] : old_inputs)
    if (!new_inputs.contains(name)) return "input " + name + ": no longer there";
  return before.inputs == now.inputs ? "" : "order of the inputs";
}

}  // namespace tessera::store
