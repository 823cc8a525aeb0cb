#include "band_segments.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

using kernels::Segment;

bool comes_before(Segment const& a, Segment const& b) {
  return a.first_y != b.first_y ? a.first_y < b.first_y : a.first_x < b.first_x;
}

struct InnerCount {
  std::int64_t band = 0, count = 0;
};

/// Pieces of all bands in a tree of those that belong together; a root is the first of its pieces.
class PieceTree {
 public:
  explicit PieceTree(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  std::size_t root(std::size_t piece) {
    while (parent_[piece] != piece) piece = parent_[piece] = parent_[parent_[piece]];
    return piece;
  }
  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

/// Joins the last row of a band with the first of the next. `first_piece` are numbers of the bands' first pieces.
void join_rows(std::span<EdgeRun const> above, std::span<EdgeRun const> below, std::size_t first_above,
               std::size_t first_below, std::int32_t reach, PieceTree& tree) {
  std::size_t next = 0;
  for (auto const& run : below) {
    while (next < above.size() && above[next].x1 + reach <= run.x0) ++next;
    for (auto k = next; k < above.size() && above[k].x0 < run.x1 + reach; ++k)
      tree.join(first_above + static_cast<std::size_t>(above[k].piece),
                first_below + static_cast<std::size_t>(run.piece));
  }
}

std::vector<JoinedSegment> join_pieces(std::vector<BandPiece> const& pieces, std::vector<EdgeRun> const& edges,
                                       std::int64_t bands, int connectivity, int npixels) {
  auto const count = static_cast<std::size_t>(bands);
  std::vector<std::size_t> first_piece(count + 1, 0);
  for (auto const& piece : pieces) ++first_piece[static_cast<std::size_t>(piece.band) + 1];
  for (std::size_t k = 1; k < first_piece.size(); ++k) first_piece[k] += first_piece[k - 1];
  std::vector<std::vector<EdgeRun>> first_rows(count), last_rows(count);
  for (auto const& edge : edges)
    (edge.is_last_row ? last_rows : first_rows)[static_cast<std::size_t>(edge.band)].push_back(edge);
  PieceTree tree(pieces.size());
  for (std::size_t band = 0; band + 1 < count; ++band)
    join_rows(last_rows[band], first_rows[band + 1], first_piece[band], first_piece[band + 1],
              connectivity == 8 ? 1 : 0, tree);
  std::vector<JoinedSegment> joined;
  std::vector<std::size_t> place(pieces.size());
  for (std::size_t k = 0; k < pieces.size(); ++k) {
    auto const root = tree.root(k);
    auto const& part = pieces[k].segment;
    if (root == k) {
      place[k] = joined.size();
      joined.push_back({pieces[k].band, part, pieces[k].inner_before});
      continue;
    }
    auto& whole = joined[place[root]].segment;
    whole.x0 = std::min(whole.x0, part.x0);
    whole.x1 = std::max(whole.x1, part.x1);
    whole.y1 = std::max(whole.y1, part.y1);
    whole.pixels += part.pixels;
  }
  std::erase_if(joined, [&](JoinedSegment const& one) { return one.segment.pixels < npixels; });
  return joined;
}

}  // namespace

BandSegments sort_segments(std::int64_t band, kernels::Segments const& found, std::int64_t y0, std::int64_t y1,
                           std::int64_t ny, int npixels) {
  BandSegments sorted;
  sorted.band = band;
  std::vector<std::int32_t> piece(found.segments.size(), -1);
  for (std::size_t k = 0; k < piece.size(); ++k) {
    auto const& segment = found.segments[k];
    if ((segment.y0 == y0 && y0 > 0) || (segment.y1 == y1 && y1 < ny)) {
      piece[k] = static_cast<std::int32_t>(sorted.pieces.size());
      sorted.pieces.push_back({band, segment, static_cast<std::int64_t>(sorted.inner.size())});
    } else if (segment.pixels >= npixels) {
      sorted.inner.push_back(segment);
    }
  }
  for (auto const& run : found.runs) {
    auto const number = piece[static_cast<std::size_t>(run.segment)];
    if (number < 0) continue;
    if (run.y == y0 && y0 > 0) sorted.edges.push_back({band, number, run.x0, run.x1, 0});
    if (run.y == y1 - 1 && y1 < ny) sorted.edges.push_back({band, number, run.x0, run.x1, 1});
  }
  return sorted;
}

JoinedSegments join_segments(parallel::Communicator const& group, std::span<BandSegments const> mine,
                             std::int64_t bands, int connectivity, int npixels) {
  std::vector<InnerCount> my_counts;
  std::vector<BandPiece> my_pieces;
  std::vector<EdgeRun> my_edges;
  for (auto const& band : mine) {
    my_counts.push_back({band.band, static_cast<std::int64_t>(band.inner.size())});
    my_pieces.insert(my_pieces.end(), band.pieces.begin(), band.pieces.end());
    my_edges.insert(my_edges.end(), band.edges.begin(), band.edges.end());
  }
  auto const joined = join_pieces(group.all_gather_values<BandPiece>(my_pieces),
                                  group.all_gather_values<EdgeRun>(my_edges), bands, connectivity, npixels);
  std::vector<std::int64_t> count(static_cast<std::size_t>(bands), 0);
  for (auto const& one : group.all_gather_values<InnerCount>(my_counts))
    count[static_cast<std::size_t>(one.band)] += one.count;
  for (auto const& one : joined) ++count[static_cast<std::size_t>(one.band)];
  std::vector<std::int64_t> first(count.size() + 1, 0);
  for (std::size_t band = 0; band < count.size(); ++band) first[band + 1] = first[band] + count[band];

  JoinedSegments result;
  result.count = first.back();
  if (result.count > std::numeric_limits<std::int32_t>::max())
    throw InputError({"more sources than labels", "", "at most 2147483647", std::to_string(result.count),
                      "raise snr_threshold or npixels"});
  std::vector<std::int64_t> crossing_before(count.size(), 0);  // of the band, so far
  for (auto const& one : joined) {
    auto const band = static_cast<std::size_t>(one.band);
    auto const label = first[band] + one.inner_before + crossing_before[band]++ + 1;
    result.crossing.push_back({one.segment, static_cast<std::int32_t>(label)});
  }
  for (auto const& band : mine) {
    auto const number = static_cast<std::size_t>(band.band);
    std::vector<Segment> own = band.inner;
    for (auto const& one : joined)
      if (one.band == band.band) own.push_back(one.segment);
    std::sort(own.begin(), own.end(), comes_before);
    auto& numbered = result.bands.emplace_back();
    for (auto const& segment : own)
      numbered.push_back(
          {segment, static_cast<std::int32_t>(first[number] + 1 + static_cast<std::int64_t>(numbered.size()))});
    TESSERA_EXPECT(static_cast<std::int64_t>(numbered.size()) == count[number]);
  }
  return result;
}

}  // namespace tessera::steps
