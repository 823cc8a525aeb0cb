// What level 2 knows of a count-rate exposure before it is processed: about 1 KB, the same on every rank.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tessera/model/exposure_image.hpp"
#include "tessera/steps/lv2/lv2_options.hpp"

namespace tessera::steps {

struct RateRecord {
  model::ExposureIdentity identity;  ///< target and band it is processed for
  std::string path;
  model::DetectorWindow window;
  std::string instrument, detector, filter, pupil, subarray, readpatt, exp_type;  ///< upper case
  std::string program, observation, visit;
  std::string observation_label, target_name;  ///< OBSLABEL and TARGPROP as they stand
  std::string parallel_sequence;               ///< SEQ_ID
  double start = 0, duration = 0;              ///< EXPSTART, MJD; DURATION, s
  double helio_mid = 0;  ///< heliocentric mid-exposure, MJD: HMIDTIME, else BMIDTIME, else EXPMID; 0: none of them
  std::int64_t file_bytes = 0;
  std::string header_hash;  ///< identity of the input, as in ExposureRecord

  Lv2Options options;
  /// Reference type ("flat") -> path, or "N/A"; only types that the steps which are not skipped ask for.
  std::map<std::string, std::string> references;
  std::map<std::string, std::string> reference_keywords;  ///< type -> value of its R_ keyword: "crds://FILE"
};

/// As bytes, and back; doubles keep their bits.
std::vector<std::uint8_t> pack_rate(RateRecord const& record);
RateRecord unpack_rate(std::vector<std::uint8_t> const& bytes);

}  // namespace tessera::steps
