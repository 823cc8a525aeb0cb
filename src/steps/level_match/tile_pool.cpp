#include "tile_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "hold_memory.hpp"
#include "stage_items.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

store::ItemJournal& TilePool::journal_of(Tile const& tile) const {
  auto const task = static_cast<std::size_t>(sets_[static_cast<std::size_t>(tile.set)].task);
  return pool_.builders[task]->journal();
}

std::filesystem::path TilePool::path(std::size_t tile) const {
  auto const task = static_cast<std::size_t>(sets_[static_cast<std::size_t>(tiles_[tile].set)].task);
  // The fingerprint at the end of the item's name: a file of other contents never has this name.
  auto const& item = tiles_[tile].item;
  return pool_.tasks[task].scratch /
         fmt::format("{}_{:06d}_{}.h5", stage_name(stage_), tile, item.substr(item.rfind(' ') + 1));
}

void TilePool::list(StageWork const& work) {
  for (auto const& set : sets_) number_.emplace_back(set.images.size(), -1);
  for (auto const& pair : work.pairs)
    for (int const image : {pair.first, pair.second}) {
      auto& number = number_[static_cast<std::size_t>(pair.set)][static_cast<std::size_t>(image)];
      if (number >= 0) continue;
      number = static_cast<int>(tiles_.size());
      tiles_.push_back({pair.set, image, tile_item(pool_, work, pair.set, image), {}, false});
    }
}

void TilePool::take_up() {
  // One rank looks: on a network file system the others may see an older folder.
  std::string there(tiles_.size(), 'n');
  for (std::size_t t = 0; t < tiles_.size() && pool_.context.world.is_root(); ++t) {
    TilePlace place;
    if (load_value(journal_of(tiles_[t]), tiles_[t].item, place) &&
        (place.box.empty() || std::filesystem::exists(path(t))))
      there[t] = 'y';
  }
  there = pool_.context.world.broadcast(there);
  for (std::size_t t = 0; t < tiles_.size(); ++t)
    tiles_[t].made = there[t] == 'y' && load_value(journal_of(tiles_[t]), tiles_[t].item, tiles_[t].place);
}

bool TilePool::make(StageWork const& work, LostExposures& lost) {
  auto const& world = pool_.context.world;
  list(work);
  take_up();
  std::vector<double> costs;
  std::int64_t bytes = 0, todo = 0;
  for (auto const& tile : tiles_) {
    double pixels = 0;
    for (int const member : image_of(tile).members)
      pixels += static_cast<double>(pool_.record(member).nx) * static_cast<double>(pool_.record(member).ny);
    costs.push_back(tile.made ? 0 : pixels);
    if (tile.made) continue;
    ++todo;
    auto const& layout = work.layouts[static_cast<std::size_t>(tile.set)];
    bytes =
        std::max(bytes, tile_working_bytes(pool_, image_of(tile), layout.pixels[static_cast<std::size_t>(tile.image)]));
  }
  auto const memory = hold_memory(pool_, fmt::format("images for {}", stage_name(stage_)), bytes, bytes);
  auto const owner = parallel::divide_balanced(costs, world.size());
  std::vector<Numbered<TilePlace>> mine;
  bool stopped = false;
  std::exception_ptr broken;  // scratch cannot be written: all ranks must hear of it, and none wait
  {
    parallel::Progress progress(world, fmt::format("level_match: images for {}", stage_name(stage_)), todo);
    for (std::size_t t = 0; t < tiles_.size() && !broken; ++t) {
      auto& tile = tiles_[t];
      if (tile.made || owner[t] != world.rank()) continue;
      if ((stopped = pool_.stop_wanted())) break;
      auto const failures = pool_.failures.size();
      auto const& grid = work.layouts[static_cast<std::size_t>(tile.set)].grid_of(tile.image);
      try {
        tile.place = make_tile_image(pool_, image_of(tile), grid, path(t), lost);
        if (pool_.failures.size() == failures) append_value(journal_of(tile), tile.item, tile.place);
      } catch (...) {
        broken = std::current_exception();
      }
      mine.push_back({static_cast<std::int64_t>(t), tile.place});
      ++pool_.counts.items;
      progress.advance();
    }
    progress.finish();
  }
  parallel::all_or_none(world, [&] {
    if (broken) std::rethrow_exception(broken);
  });
  for (auto const& sent : world.all_gather_values<Numbered<TilePlace>>(mine))
    tiles_[static_cast<std::size_t>(sent.number)].place = sent.value;
  lost.share();
  return world.max(std::int64_t{stopped}) > 0;
}

void TilePool::add_pair(CandidatePair const& pair, kernels::PairPixels<float>& pixels) {
  auto const first = index_of(pair.set, pair.first), second = index_of(pair.set, pair.second);
  add_tile_pair(path(first), tiles_[first].place, path(second), tiles_[second].place, pixels, pool_.counts);
}

}  // namespace tessera::steps
