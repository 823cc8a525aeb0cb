#include "tessera/steps/lv2/examine_rate.hpp"

#include <fmt/format.h>

#include <cctype>
#include <filesystem>

#include "rate_layout.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/store/input_identity.hpp"

namespace tessera::steps {

namespace {

std::string text_of(model::Header const& primary, char const* keyword) { return primary.text(keyword).value_or(""); }

std::string upper(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

std::string required(io::FitsFile const& file, char const* keyword) {
  auto value = upper(text_of(file.hdus().front().header, keyword));
  if (!value.empty()) return value;
  throw InputError({.what = fmt::format("{} is missing", keyword),
                    .where = file.path().string() + "[PRIMARY]",
                    .remedy = "give a _rate file of the official pipeline, or leave this one out"});
}

}  // namespace

std::optional<ExaminedRate> examine_rate(std::string const& path, std::vector<store::InputNote>& notes) {
  auto const file = io::FitsFile::open(path);
  auto const& primary = file.hdus().front().header;
  ExaminedRate found;
  auto& record = found.record;
  record.path = path;
  record.identity.exposure = store::exposure_name(path);
  record.exp_type = required(file, "EXP_TYPE");
  if (record.exp_type != "NRC_IMAGE" && record.exp_type != "MIR_IMAGE") {
    notes.push_back(
        {path, true, fmt::format("EXP_TYPE {} is left out: only NRC_IMAGE and MIR_IMAGE are taken", record.exp_type)});
    return std::nullopt;
  }
  record.window = rate_layout(file).window;
  record.instrument = required(file, "INSTRUME");
  record.detector = required(file, "DETECTOR");
  record.filter = required(file, "FILTER");
  record.pupil = upper(text_of(primary, "PUPIL"));
  record.subarray = upper(text_of(primary, "SUBARRAY"));
  record.readpatt = upper(text_of(primary, "READPATT"));
  record.program = text_of(primary, "PROGRAM");
  record.observation = text_of(primary, "OBSERVTN");
  record.visit = text_of(primary, "VISIT");
  record.observation_label = text_of(primary, "OBSLABEL");
  record.target_name = text_of(primary, "TARGPROP");
  record.parallel_sequence = text_of(primary, "SEQ_ID");
  record.start = primary.real("EXPSTART").value_or(0);
  record.duration = primary.real("DURATION").value_or(0);
  for (char const* keyword : {"HMIDTIME", "BMIDTIME", "EXPMID"})
    if (auto const middle = primary.real(keyword); middle && *middle > 0) {
      record.helio_mid = *middle;
      break;
    }
  record.file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  record.header_hash = store::header_hash(file.hdus(), path);
  found.parameters = refs::ExposureParameters::from_header(primary);
  return found;
}

}  // namespace tessera::steps
