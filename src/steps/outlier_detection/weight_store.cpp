#include "weight_store.hpp"

#include "tessera/core/error.hpp"

namespace tessera::steps {

WeightStore::WeightStore(std::filesystem::path file, std::int64_t most_bytes)
    : path_(std::move(file)), most_bytes_(most_bytes) {}

WeightStore::~WeightStore() { clear(); }

void WeightStore::clear() {
  pieces_.clear();
  held_bytes_ = 0;
  if (filed_.empty()) return;
  filed_.clear();
  file_.close();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void WeightStore::add(std::vector<float> values) {
  auto const bytes = static_cast<std::int64_t>(values.size() * sizeof(float));
  if (filed_.empty() && held_bytes_ + bytes <= most_bytes_) {
    held_bytes_ += bytes;
    pieces_.push_back(std::move(values));
    return;
  }
  if (filed_.empty()) file_.open(path_, std::ios::binary | std::ios::trunc);
  filed_.push_back(values.size());
  file_.write(reinterpret_cast<char const*>(values.data()), bytes);
  file_.flush();
  if (!file_)
    throw IoError(
        {"cannot write the weights of a group", path_.string(), "", "", "free some space in the scratch folder"});
}

void WeightStore::each_piece(std::function<void(std::span<float const>)> const& take) const {
  for (auto const& piece : pieces_) take(piece);
  if (filed_.empty()) return;
  std::ifstream stream(path_, std::ios::binary);
  std::vector<float> piece;
  for (std::size_t const length : filed_) {
    piece.resize(length);
    stream.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(length * sizeof(float)));
    if (!stream) throw IoError({"cannot read the weights of a group back", path_.string(), "", "", ""});
    take(piece);
  }
}

}  // namespace tessera::steps
