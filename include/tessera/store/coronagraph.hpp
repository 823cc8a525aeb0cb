// The corner of MIRI's imager that a coronagraph covers, and exposures taken apart along it (spec 40, 1.8).
#pragma once
#include <array>
#include <vector>

#include "tessera/model/ledger_entry.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::store {

/// MIRI's full format. Subarrays are not taken apart: they lie on one side or the other.
inline constexpr std::int64_t MiriColumns = 1032, MiriRows = 1024;
/// The Lyot coronagraph, roughly: columns x < 290 of rows y >= 735.
inline constexpr model::PixelBox CoronagraphBox{0, 735, 290, MiriRows};
/// All pixels outside of it.
inline constexpr std::array<model::PixelBox, 2> ImagerBoxes{
    {{0, 0, MiriColumns, 735}, {290, 735, MiriColumns, MiriRows}}};

/// Whether an exposure has the coronagraph on it: MIRI's imager in full format.
bool has_coronagraph(ExposureRecord const& record);

/// `entry` on the pixels of `box` alone, which lies in an array of nx columns; none where it has no pixel there.
std::vector<model::LedgerEntry> restrict_to(model::LedgerEntry const& entry, model::PixelBox const& box,
                                            std::int64_t nx);

/// What an entry of one half does to the whole exposure, the halves being joined again: imager entries outside
/// CoronagraphBox, lyot entries inside. The flags by which lyot_separate took the halves apart are gone. One exposure
/// has one WCS and one unsubtracted sky level: those of the imager. An entry of a whole exposure stays as it is.
std::vector<model::LedgerEntry> rejoin(model::LedgerEntry const& entry);

}  // namespace tessera::store
