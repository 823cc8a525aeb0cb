// Writing an exposure as it is after some step: what the ledger says, made into a FITS file.
#pragma once
#include <filesystem>

#include "tessera/sky/sip_fit.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::store {

/// Writes all planes of the exposure with the reader's corrections: SCI, ERR and variances blanked (NaN) where DQ has
/// DO_NOT_USE, DQ with the ledger's flags, header cards carried through, gwcs, SIP (fitted anew) and S_REGION of the
/// corrected WCS, and HISTORY lines naming the entries applied. One rank; the memory of one exposure. Throws
/// InputError, IoError. A plain FITS image keeps its own WCS cards unless a correction moved it. Where `sip` has no
/// crpix, that of the file is kept.
void export_exposure(ExposureReader const& reader, std::filesystem::path const& path,
                     sky::SipFitOptions const& sip = {});

/// File name of an exported exposure: "<exposure>_<suffix>.fits"; halves are "mirimages" and "mirimagel" as pjpipe
/// names them.
std::string exported_name(model::ExposureIdentity const& identity, std::string const& suffix);

}  // namespace tessera::store
