#include "tessera/exchange/block_journal.hpp"

#include <fstream>

#include "tessera/core/error.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::exchange {

namespace {

constexpr char const* DoneMark = " done";

}  // namespace

BlockJournal::BlockJournal(std::filesystem::path folder, std::filesystem::path unfinished_file, std::string key,
                           int world_rank)
    : folder_(std::move(folder)),
      mine_(folder_ / fmt::format("rank_{:05d}", world_rank)),
      unfinished_file_(std::move(unfinished_file)),
      key_(std::move(key)) {}

std::set<std::int64_t> BlockJournal::finished_blocks() const {
  std::set<std::int64_t> blocks;
  if (!std::filesystem::exists(unfinished_file_) || !std::filesystem::is_directory(folder_)) return blocks;
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

void BlockJournal::restart() const {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (!error) std::filesystem::create_directories(folder_, error);
  if (error)
    throw IoError({"cannot make the journal", folder_.string(), "", error.message(),
                   "free some space or change its permissions"});
}

void BlockJournal::append(std::vector<std::int64_t> const& blocks) const {
  io::sync_file(unfinished_file_);
  // The leading line end closes a line that a kill may have cut; the key may have been in it, so it is said each time.
  std::string text = "\nkey " + key_ + "\n";
  for (auto const block : blocks) text += std::to_string(block) + DoneMark + "\n";
  io::append_durably(mine_, text);
}

void BlockJournal::remove() const {
  std::error_code ignored;  // what stays belongs to no product and is cleared by the next run that needs its place
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace tessera::exchange
