#include <fstream>

#include "tessera/io/durable_file.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"

namespace tessera::steps {

namespace {

constexpr char const* DoneMark = " done";

}  // namespace

MosaicJournal::MosaicJournal(MosaicPlan const& plan, int world_rank)
    : folder_(plan.request.folder / (plan.request.product + "_i2d.journal")),
      mine_(folder_ / fmt::format("rank_{:05d}", world_rank)),
      mosaic_(unfinished_mosaic_path(plan)),
      key_(plan.key) {}

std::set<std::int64_t> MosaicJournal::finished_blocks() const {
  std::set<std::int64_t> blocks;
  if (!std::filesystem::exists(mosaic_) || !std::filesystem::is_directory(folder_)) return blocks;
  for (auto const& item : std::filesystem::directory_iterator(folder_)) {
    std::ifstream stream(item.path());
    std::string line;
    bool ours = false;
    while (std::getline(stream, line)) {
      if (line.starts_with("key "))
        ours = line.substr(4) == key_;
      else if (ours && line.ends_with(DoneMark))  // a line without its mark was cut off by a kill
        blocks.insert(std::stoll(line));
    }
  }
  return blocks;
}

void MosaicJournal::restart() const {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
}

void MosaicJournal::append(std::vector<std::int64_t> const& blocks) const {
  io::sync_file(mosaic_);
  // The leading line end closes a line that a kill may have cut.
  std::string text = std::filesystem::exists(mine_) ? "\n" : "key " + key_ + "\n";
  for (auto const block : blocks) text += std::to_string(block) + DoneMark + "\n";
  io::append_durably(mine_, text);
}

void MosaicJournal::remove() const { std::filesystem::remove_all(folder_); }

}  // namespace tessera::steps
