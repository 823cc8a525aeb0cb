// What the ledger's steps say of themselves in the headers of a mosaic. Private to resample.
#pragma once
#include "member_values.hpp"
#include "tessera/model/header.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::steps {

/// Replaces the values of S_SKYMAT, BKGMETH, BKGLEVEL, BKGSUB and S_OUTLIR by those of the ledger's skymatch and
/// outlier_detection, where it has these steps (spec 30, 2.5).
void apply_ledger_keywords(store::Ledger const& ledger, model::ExposureIdentity const& identity, MemberValues& member);

/// Those of them that the mosaic itself bears: S_SKYMAT, BKGMETH and S_OUTLIR of its first exposure. The background
/// levels are no longer those of one exposure (spec 30, 4.10).
void set_ledger_keywords(MemberValues const& first, model::Header& primary);

}  // namespace tessera::steps
