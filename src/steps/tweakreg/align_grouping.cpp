#include "tessera/steps/tweakreg/tweakreg_options.hpp"

namespace tessera::steps {

namespace {

/// "jw02107041001_02105" of "jw02107041001_02105_00001" and of what comes after it; other names are left as they are.
std::string without_dither(std::string const& group) {
  auto const visit_end = group.find('_');
  if (!group.starts_with("jw") || visit_end == std::string::npos) return group;
  return group.substr(0, group.find('_', visit_end + 1));
}

}  // namespace

std::string AlignGrouping::group_of(store::ExposureRecord const& record) const {
  if (dithers == Dithers::Alone) return record.identity.exposure;
  auto group = dithers == Dithers::Together ? without_dither(record.group_id) : record.group_id;
  auto const& detector = record.detector;  // "NRCA1", "NRCBLONG"
  bool const is_nircam = detector.starts_with("NRC") && detector.size() >= 5;
  if (by_module && is_nircam) group += std::string(" module ") + detector[3];
  if (by_chip && is_nircam) group += std::string(" chip ") + detector[4];
  return group;
}

}  // namespace tessera::steps
