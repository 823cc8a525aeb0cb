#include "tessera/steps/lv2/rate_record.hpp"

#include <nlohmann/json.hpp>

namespace tessera::steps {

namespace {

using Json = nlohmann::json;

}  // namespace

std::vector<std::uint8_t> pack_rate(RateRecord const& r) {
  return Json::to_cbor(Json{{"target", r.identity.target},
                            {"band", r.identity.band},
                            {"exposure", r.identity.exposure},
                            {"half", static_cast<int>(r.identity.half)},
                            {"path", r.path},
                            {"window", {r.window.x_start, r.window.y_start, r.window.nx, r.window.ny}},
                            {"instrument", r.instrument},
                            {"detector", r.detector},
                            {"filter", r.filter},
                            {"pupil", r.pupil},
                            {"subarray", r.subarray},
                            {"readpatt", r.readpatt},
                            {"exp_type", r.exp_type},
                            {"program", r.program},
                            {"observation", r.observation},
                            {"visit", r.visit},
                            {"observation_label", r.observation_label},
                            {"target_name", r.target_name},
                            {"parallel_sequence", r.parallel_sequence},
                            {"start", r.start},
                            {"duration", r.duration},
                            {"helio_mid", r.helio_mid},
                            {"file_bytes", r.file_bytes},
                            {"header_hash", r.header_hash},
                            {"options", r.options.json()},
                            {"references", r.references},
                            {"reference_keywords", r.reference_keywords}});
}

RateRecord unpack_rate(std::vector<std::uint8_t> const& bytes) {
  Json const j = Json::from_cbor(bytes);
  RateRecord r;
  r.identity = {j.at("target"), j.at("band"), j.at("exposure"), static_cast<model::Half>(j.at("half").get<int>())};
  r.path = j.at("path");
  auto const& window = j.at("window");
  r.window = {window.at(0), window.at(1), window.at(2), window.at(3)};
  r.instrument = j.at("instrument");
  r.detector = j.at("detector");
  r.filter = j.at("filter");
  r.pupil = j.at("pupil");
  r.subarray = j.at("subarray");
  r.readpatt = j.at("readpatt");
  r.exp_type = j.at("exp_type");
  r.program = j.at("program");
  r.observation = j.at("observation");
  r.visit = j.at("visit");
  r.observation_label = j.at("observation_label");
  r.target_name = j.at("target_name");
  r.parallel_sequence = j.at("parallel_sequence");
  r.start = j.at("start");
  r.duration = j.at("duration");
  r.helio_mid = j.at("helio_mid");
  r.file_bytes = j.at("file_bytes");
  r.header_hash = j.at("header_hash");
  r.options = Lv2Options::from_json(j.at("options").get<std::string>());
  r.references = j.at("references").get<std::map<std::string, std::string>>();
  r.reference_keywords = j.at("reference_keywords").get<std::map<std::string, std::string>>();
  return r;
}

}  // namespace tessera::steps
