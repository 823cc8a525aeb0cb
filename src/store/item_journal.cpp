#include "tessera/store/item_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>

#include "tessera/core/error.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::store {

namespace {

constexpr char const* Extension = ".items";

/// First line of an item: what was being made, how long name and payload are, and a hash of both: an item that was cut
/// off, or that the disk lost, does not count.
std::string head_of(std::string const& key, std::string const& item, std::string const& content) {
  return fmt::format("item {} {} {} {}\n", key, item.size(), content.size() - item.size(), io::sha256(content));
}

}  // namespace

ItemJournal::ItemJournal(std::filesystem::path folder, std::string key, int rank)
    : folder_(std::move(folder)), rank_(rank), key_(std::move(key)) {}

void ItemJournal::read() {
  place_.clear();
  if (!std::filesystem::is_directory(folder_)) return;
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator(folder_))
    if (entry.path().extension() == Extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (auto const& file : files) {
    std::ifstream stream(file, std::ios::binary);
    for (std::string line; std::getline(stream, line);) {
      std::istringstream words(line);
      std::string mark, key, hash;
      std::size_t name_bytes = 0, payload_bytes = 0;
      if (!(words >> mark >> key >> name_bytes >> payload_bytes >> hash) || mark != "item") break;
      auto const begin = static_cast<std::int64_t>(stream.tellg());
      std::string content(name_bytes + payload_bytes, '\0');
      if (!stream.read(content.data(), static_cast<std::streamsize>(content.size()))) break;  // cut off by a kill
      if (io::sha256(content) != hash) break;
      if (key != key_) continue;
      place_[content.substr(0, name_bytes)] = {file, begin + static_cast<std::int64_t>(name_bytes),
                                               static_cast<std::int64_t>(payload_bytes), false};
    }
  }
}

std::string ItemJournal::listing() const {
  std::string text;
  for (auto const& [item, place] : place_) text += line_of(item, place);
  return text;
}

std::string ItemJournal::own_listing() const {
  std::string text;
  for (auto const& [item, place] : place_)
    if (place.own) text += line_of(item, place);
  return text;
}

void ItemJournal::take_listing(std::string const& listing) {
  place_.clear();
  add_listing(listing);
}

void ItemJournal::add_listing(std::string const& listing) {
  std::istringstream lines(listing);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Place place;
    std::string file, item;
    words >> place.offset >> place.bytes >> file;
    words.get();
    std::getline(words, item);
    place.file = folder_ / file;
    place_[item] = place;
  }
}

std::string ItemJournal::line_of(std::string const& item, Place const& place) {
  return fmt::format("{} {} {} {}\n", place.offset, place.bytes, place.file.filename().string(), item);
}

std::vector<std::byte> ItemJournal::load(std::string const& item) const {
  auto const& place = place_.at(item);
  std::vector<std::byte> payload(static_cast<std::size_t>(place.bytes));
  std::ifstream stream(place.file, std::ios::binary);
  stream.seekg(place.offset);
  if (!stream.read(reinterpret_cast<char*>(payload.data()), place.bytes))
    throw IoError({"a finished item cannot be read back", place.file.string() + ": " + item,
                   fmt::format("{} bytes at {}", place.bytes, place.offset), "the end of the file",
                   "remove the folder " + folder_.string() + " and run again"});
  return payload;
}

void ItemJournal::append(std::string const& item, std::span<std::byte const> payload) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    throw IoError({"cannot make the journal", folder_.string(), "", error.message(),
                   "free some space or change its permissions"});
  // A file of this run's own, and a new one after a failure: one that was cut off must not be gone on with.
  for (int number = 0; mine_.empty(); ++number) {
    auto const name = folder_ / fmt::format("rank_{:05d}_{:04d}{}", rank_, number, Extension);
    if (!std::filesystem::exists(name, error)) mine_ = name;
  }
  std::string content = item;
  content.append(reinterpret_cast<char const*>(payload.data()), payload.size());
  std::string const head = head_of(key_, item, content);
  auto const file = mine_;
  auto const found = std::filesystem::file_size(file, error);
  std::uintmax_t const size = error ? 0 : found;
  mine_.clear();
  io::append_durably(file, head + content);
  mine_ = file;
  place_[item] = {file, static_cast<std::int64_t>(size + head.size() + item.size()),
                  static_cast<std::int64_t>(payload.size()), true};
}

void ItemJournal::remove() const {
  std::error_code ignored;  // what stays is of no product: the next run that needs its place looks at the keys
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace tessera::store
