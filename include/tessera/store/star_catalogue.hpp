// Lists of stars of the user's: a reference catalogue for absolute alignment, source lists of images.
#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "tessera/model/star.hpp"

namespace tessera::store {

/// What is wrong, or was left out, in words for the log.
struct StarCatalogue {
  std::vector<model::Star> stars;
  std::vector<std::string> warnings;  ///< "12 rows without a position are left out", "3 duplicates ..."
};

/// A table with right ascension and declination in degrees, ICRS: the first there is of the columns ra, dec in any
/// letter case, sky_centroid, RA_ICRS/DE_ICRS, RAJ2000/DEJ2000, ALPHA_J2000/DELTA_J2000, _RAJ2000/_DEJ2000; optional
/// weight, x, y. Units other than degrees are converted where the file says them (hour angle, radian, "h:m:s" is
/// refused). Where it has proper motions (pmra [mas/a, with cos dec], and pmdec or pmde) and the epoch is given (Julian
/// year), positions are carried to it from ref_epoch (a column; otherwise 2000.0 for columns named J2000, 2016.0 for
/// others); stars without proper motion stay. Rows without a finite position, exact duplicates, and one proper motion
/// without the other are left out and said.
/// InputError: no such file, no such columns, no usable row, declinations outside +-90.
StarCatalogue read_star_catalogue(std::filesystem::path const& path, std::optional<double> epoch = {});

/// A table of x, y (or xcentroid, ycentroid), 0-based pixels; optional flux, weight.
StarCatalogue read_image_catalogue(std::filesystem::path const& path);

}  // namespace tessera::store
