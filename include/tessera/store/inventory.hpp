// The inventory: one pass over the headers of all inputs, divided over the ranks, known to all.
#pragma once
#include <functional>
#include <vector>

#include "tessera/parallel/communicator.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::store {

struct Inventory {
  std::vector<ExposureRecord> records;  ///< in catalogue order: as the sources, with those left out missing
  std::vector<InputNote> notes;         ///< warnings and files left out, in the same order
  std::vector<InputNote> broken;        ///< files that cannot be used: quarantined, or the end of the run
};

/// Which records a target and band take, by filter, pupil and so on; true: take. Empty function: all.
using RecordFilter = std::function<bool(ExposureRecord const&)>;

/// Opens every source once (headers only, and the WCS), in parallel. Files of another EXP_TYPE than NRC_IMAGE and
/// MIR_IMAGE are left out with a note; VISITSTA, ENGQLPTG and PCS_MODE problems are noted; files that are missing,
/// truncated, without SCI, with planes of differing shapes, or without a usable WCS are broken, one line each.
/// Collective.
Inventory take_inventory(parallel::Communicator const& communicator, std::vector<ExposureSource> const& sources,
                         RecordFilter const& filter = {});

/// The record of one file, by this rank alone. Throws InputError. `notes` gets what is to be said of it; nullopt: left
/// out.
std::optional<ExposureRecord> examine_exposure(ExposureSource const& source, std::vector<InputNote>& notes);

}  // namespace tessera::store
