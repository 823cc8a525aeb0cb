// The tile images that a stage compares: made by one rank each, read by all.
#pragma once
#include <string>
#include <vector>

#include "measure_stage.hpp"
#include "tile_image.hpp"

namespace tessera::steps {

class TilePool {
 public:
  TilePool(MatchPool& pool, MatchStage stage, std::vector<MatchSet> const& sets)
      : pool_(pool), stage_(stage), sets_(sets) {}

  /// Makes the image of every tile that stands in some pair and is not there from an earlier run. True when a stop was
  /// asked for somewhere: then not all are made. Collective.
  bool make(StageWork const& work, LostExposures& lost);

  TilePlace const& place(int set, int image) const { return tiles_[index_of(set, image)].place; }

  /// Adds the pixels that the two images of a pair have in common.
  void add_pair(CandidatePair const& pair, kernels::PairPixels<float>& pixels);

 private:
  struct Tile {
    int set = 0, image = 0;
    std::string item;  ///< in the journal
    TilePlace place;
    bool made = false;
  };

  std::size_t index_of(int set, int image) const {
    return static_cast<std::size_t>(number_[static_cast<std::size_t>(set)][static_cast<std::size_t>(image)]);
  }
  MatchImage const& image_of(Tile const& tile) const {
    return sets_[static_cast<std::size_t>(tile.set)].images[static_cast<std::size_t>(tile.image)];
  }
  store::ItemJournal& journal_of(Tile const& tile) const;
  std::filesystem::path path(std::size_t tile) const;
  void list(StageWork const& work);
  void take_up();

  MatchPool& pool_;
  MatchStage stage_;
  std::vector<MatchSet> const& sets_;
  std::vector<Tile> tiles_;
  std::vector<std::vector<int>> number_;  ///< [set][image] place in tiles_; -1: in no pair
};

}  // namespace tessera::steps
