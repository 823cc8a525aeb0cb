// Anatomy of a JWST exposure file name and the keys made from it (spec 40, 0.4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tessera::config {

/// jwPPPPPOOOVVV_GGSAA_EEEEE[-segNNN]_<detector>_<suffix>.fits
struct ExposureName {
  std::string programme;    ///< PPPPP
  std::string observation;  ///< OOO
  std::string visit;        ///< VVV
  std::string visit_group;  ///< GG
  char sequence = '1';      ///< S: 1 prime, 2 and more parallel
  std::string activity;     ///< AA
  std::string exposure;     ///< EEEEE
  std::string segment;      ///< "segNNN", mostly empty
  std::string detector;     ///< "nrcb4", "nrcalong", "mirimage", and "mirimages"/"mirimagel" after lyot_separate
  std::string suffix;       ///< "uncal", "rate", "cal", "crf_tweakback", ...; may be empty

  /// jwPPPPPOOOVVV
  std::string visit_key() const;
  /// jwPPPPPOOOVVV_GGSAA: one field (pointing) of the survey
  std::string field_key() const;
  /// jwPPPPPOOOVVV_GGSAA_EEEEE: all detectors read out together
  std::string exposure_key() const;
  /// jwPPPPPOOOVVV_GGSAA_XXXXX_<detector>: the dithers of one detector. pjpipe 1.2.1 has "*" for XXXXX; tessera never
  /// makes files whose names are shell patterns.
  std::string dither_group() const;
  /// Dither group of all detectors that differ in the last letter of their name (the four short chips of a module; the
  /// two halves of a MIRI image): the last letter becomes X.
  std::string combined_group() const;
  /// Root of the file: jwPPPPPOOOVVV_GGSAA_EEEEE[-segNNN]_<detector>
  std::string root() const;
  /// Name of the trapsfilled file of the exposure before this one, or nothing for the first.
  std::optional<std::string> previous_trapsfilled() const;
  /// Taken in parallel with another instrument as second in sequence (S = 2): `bgr_check_type = parallel_off`.
  bool is_parallel() const { return sequence == '2'; }
};

/// Nothing when `file_name` (folders and ".fits" are stripped) does not have that form.
std::optional<ExposureName> parse_exposure_name(std::string_view file_name);

}  // namespace tessera::config
