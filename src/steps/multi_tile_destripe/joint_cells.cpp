#include "joint_cells.hpp"

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

using exchange::StripeCells;

template <class T>
void write_values(std::fstream& file, std::vector<T> const& values) {
  file.write(reinterpret_cast<char const*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
}

template <class T>
void read_values(std::fstream& file, std::vector<T>& values, std::size_t count) {
  values.resize(count);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
}

std::size_t pixels_of(StripeCells const& cells) {
  return static_cast<std::size_t>(cells.box.width() * cells.box.height());
}

}  // namespace

JointCells::~JointCells() {
  if (!file_.is_open()) return;
  file_.close();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void JointCells::check(char const* what) const {
  if (!file_)
    throw IoError({what, path_.string(), "", "", "see that the scratch folder can be used and has free space"});
}

template <class Work>
void JointCells::note_failure(Work work) {
  try {
    if (!failure_) work();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

void JointCells::add(exchange::StripeBlock block) {
  if (!path_.empty()) {
    if (!file_.is_open()) {
      std::filesystem::create_directories(path_.parent_path());
      file_.open(path_, std::ios::binary | std::ios::in | std::ios::out | std::ios::trunc);
    }
    file_.seekp(0, std::ios::end);
    offset_.push_back(file_.tellp());
    for (auto& cells : block.exposures) {
      write_values(file_, cells.value);
      write_values(file_, cells.stripe);
      write_values(file_, cells.fraction);
      write_values(file_, cells.weight);
      cells = {cells.exposure, cells.box, {}, {}, {}, {}};
    }
    check("cannot write the pixels of a block of sky");
    loaded_index_ = -1;
  }
  blocks_.push_back(std::move(block));
}

void JointCells::read_block(std::int64_t k) {
  auto const index = static_cast<std::size_t>(k);
  auto const& block = blocks_[index];
  loaded_.box = block.box;
  loaded_.exposures.resize(block.exposures.size());
  file_.seekg(offset_[index]);
  for (std::size_t j = 0; j < block.exposures.size(); ++j) {
    auto& cells = loaded_.exposures[j];
    cells.exposure = block.exposures[j].exposure;
    cells.box = block.exposures[j].box;
    auto const pixels = pixels_of(cells);
    read_values(file_, cells.value, pixels);
    read_values(file_, cells.stripe, pixels);
    read_values(file_, cells.fraction, pixels);
    read_values(file_, cells.weight, pixels);
  }
  check("cannot read the pixels of a block of sky back");
  loaded_index_ = k;
}

exchange::StripeBlock& JointCells::load(std::int64_t k) {
  if (path_.empty()) return blocks_[static_cast<std::size_t>(k)];
  if (loaded_index_ != k) note_failure([&] { read_block(k); });
  if (failure_) {
    loaded_.box = blocks_[static_cast<std::size_t>(k)].box;
    loaded_.exposures.clear();
  }
  return loaded_;
}

void JointCells::write_weights(std::int64_t k) {
  auto offset = offset_[static_cast<std::size_t>(k)];
  for (auto const& cells : loaded_.exposures) {
    auto const pixels = static_cast<std::int64_t>(pixels_of(cells));
    offset += pixels * (exchange::StripeCellBytes - 2);
    file_.seekp(offset);
    write_values(file_, cells.weight);
    offset += pixels * 2;
  }
  check("cannot write the pixels of a block of sky");
}

void JointCells::keep_weights(std::int64_t k) {
  if (!path_.empty()) note_failure([&] { write_weights(k); });
}

}  // namespace tessera::steps
