// Segments of a mosaic, found band by band (256 rows) and joined where they cross from one to the next.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/kernels/segmentation.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::steps {

/// A connected set of pixels of one band that touches the next band: a piece of a segment.
struct BandPiece {
  std::int64_t band = 0;
  kernels::Segment segment;
  std::int64_t inner_before = 0;  ///< segments inside the band, of enough pixels, that come before it
};

/// Pixels x0 <= x < x1 of the first or last row of a band, of one of its pieces.
struct EdgeRun {
  std::int64_t band = 0;
  std::int32_t piece = 0;  ///< of the band's
  std::int32_t x0 = 0, x1 = 0;
  std::int32_t is_last_row = 0;
};

/// What one band holds.
struct BandSegments {
  std::int64_t band = 0;
  std::vector<kernels::Segment> inner;  ///< those that touch no other band, of enough pixels; raster order
  std::vector<BandPiece> pieces;        ///< raster order
  std::vector<EdgeRun> edges;           ///< raster order
};

/// Sorts out what was found in the rows y0 <= y < y1 of band `band`, of an image of ny rows.
BandSegments sort_segments(std::int64_t band, kernels::Segments const& found, std::int64_t y0, std::int64_t y1,
                           std::int64_t ny, int npixels);

/// A segment that lies in several bands; it belongs to the band of its first pixel.
struct JoinedSegment {
  std::int64_t band = 0;
  kernels::Segment segment;
  std::int64_t inner_before = 0;  ///< as in BandPiece, of the first band
};

/// A segment and its number before deblending: 1, 2, ... in raster order of the first pixels of all.
struct NumberedSegment {
  kernels::Segment segment;
  std::int32_t label = 0;
};

/// All segments of a mosaic, seen from one rank.
struct JoinedSegments {
  std::int64_t count = 0;                           ///< of the mosaic
  std::vector<std::vector<NumberedSegment>> bands;  ///< that begin in this rank's bands, as given
  std::vector<NumberedSegment> crossing;            ///< of the whole mosaic, those in several bands
};

/// Joins pieces over all bands. `mine` are this rank's bands, ascending, those of lower ranks before them.
/// Collective over `group`.
JoinedSegments join_segments(parallel::Communicator const& group, std::span<BandSegments const> mine,
                             std::int64_t bands, int connectivity, int npixels);

}  // namespace tessera::steps
