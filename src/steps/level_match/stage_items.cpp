#include "stage_items.hpp"

#include <fmt/format.h>

#include "tessera/io/checksum.hpp"

namespace tessera::steps {

namespace {

class Fingerprint {
 public:
  void add(std::string const& text) { hash_.update(std::as_bytes(std::span(text))); }
  void add(double value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
  void add(model::SkyGrid const& grid) {
    for (double const value :
         {static_cast<double>(grid.nx), static_cast<double>(grid.ny), grid.crpix.x, grid.crpix.y, grid.crval.ra,
          grid.crval.dec, grid.cdelt[0], grid.cdelt[1], grid.pc[0][0], grid.pc[0][1], grid.pc[1][0], grid.pc[1][1]})
      add(value);
  }
  void add(MatchPool const& pool, MatchImage const& image) {
    for (int const member : image.members) {
      add(pool.record(member).identity.label());
      for (auto const& correction : pool.exposures[static_cast<std::size_t>(member)].corrections) {
        for (double const value :
             {correction.local, correction.plane.level, correction.plane.slope_x, correction.plane.slope_y})
          add(value);
        if (correction.with_slope) add(pool.grids[static_cast<std::size_t>(correction.grid)]);
      }
    }
  }
  std::string text() { return hash_.hex().substr(0, 16); }

 private:
  io::Sha256 hash_;
};

}  // namespace

std::string local_item(MatchPool const& pool, MatchSet const& set) {
  Fingerprint fingerprint;
  for (auto const& image : set.images) fingerprint.add(pool, image);
  return fmt::format("local {} {}", set.name, fingerprint.text());
}

std::string tile_item(MatchPool const& pool, StageWork const& work, int set, int image) {
  auto const& images = work.sets[static_cast<std::size_t>(set)].images;
  auto const& tile = images[static_cast<std::size_t>(image)];
  Fingerprint fingerprint;
  fingerprint.add(work.layouts[static_cast<std::size_t>(set)].grid_of(image));
  fingerprint.add(pool, tile);
  return fmt::format("tile {} {} {}", stage_name(work.stage), tile.name, fingerprint.text());
}

std::string pair_item(MatchPool const& pool, StageWork const& work, CandidatePair const& pair) {
  auto const& set = work.sets[static_cast<std::size_t>(pair.set)];
  auto const &first = set.images[static_cast<std::size_t>(pair.first)],
             &second = set.images[static_cast<std::size_t>(pair.second)];
  Fingerprint fingerprint;
  fingerprint.add(work.layouts[static_cast<std::size_t>(pair.set)].grid_of(pair.first));
  fingerprint.add(pool, first);
  fingerprint.add(pool, second);
  return fmt::format("pair {} {}|{} {}", stage_name(work.stage), first.name, second.name, fingerprint.text());
}

}  // namespace tessera::steps
