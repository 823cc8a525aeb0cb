// Reading count rates and writing calibrated exposures, as the official pipeline has them (spec 20, 1.1 and section 6).
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "tessera/model/exposure_image.hpp"
#include "tessera/sky/gwcs.hpp"

namespace tessera::steps {

/// Reads a 2-D _rate file whole. Throws InputError: no such file, truncated, SCI, ERR, DQ or a variance missing, shapes
/// that differ or are not SUBSIZE1 x SUBSIZE2, three dimensions (a _rateints file), a BUNIT other than DN/s.
model::ExposureImage read_rate(std::filesystem::path const& path, model::ExposureIdentity const& identity);

/// Bytes a pixel that an exposure takes in memory while it is calibrated and written (all planes; writing takes none).
std::int64_t exposure_image_bytes();

/// Writes _cal.fits: official extensions, order, types and keywords, all keywords of the input kept, HISTORY of program
/// and version; the gwcs in the ASDF extension. Written beside, synced, renamed; the same bytes for the same input:
/// DATE stays that of the input, for it may not come from a clock. CAL_VER and CAL_VCS too: they say what made the
/// rates.
void write_cal(std::filesystem::path const& path, model::ExposureImage const& image, sky::Gwcs const* wcs);

/// Writes the exposure as it is as a _rate file (an intermediate that was asked for: destriped, background subtracted).
void write_rate(std::filesystem::path const& path, model::ExposureImage const& image);

// Keywords of the primary header with the comments of the official products (spec 20, 6.2).

/// S_BKDSUB, S_WCS, S_FLAT, S_PHOTOM or S_RESAMP: COMPLETE or SKIPPED. Another keyword is a ContractViolation.
void set_step_status(model::Header& primary, std::string_view keyword, bool complete);

/// R_DISTOR, R_FILOFF, R_FLAT, R_PHOTOM or R_AREA by the reference type ("flat"): "crds://FILE", the path of an
/// override, or "N/A". Another type is a ContractViolation.
void set_reference_keyword(model::Header& primary, std::string_view type, std::string_view value);

/// CRDS_CTX, the context that references were chosen in, and CRDS_VER, this program, which chose them.
void set_reference_context(model::Header& primary, std::string_view context);

/// ASNTABLE, the file name of the association; empty: "singleton". ASNPOOL becomes "none" where there is none.
void set_association_table(model::Header& primary, std::string_view table);

}  // namespace tessera::steps
