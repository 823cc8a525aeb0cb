#include <exception>
#include <functional>
#include <string>

#include "../posix_file.hpp"
#include "file_layout.hpp"
#include "fits_sum.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::io {

struct ParallelFitsFile::State {
  parallel::Communicator communicator;
  std::filesystem::path path;
  FileLayout layout;
  PosixFile file;
  std::vector<FitsSum> sums;   ///< of the data this rank wrote, by HDU
  std::exception_ptr failure;  ///< of an independent write: thrown by all ranks at the end
  bool unfinished = false;     ///< root: a file lies beside the final name

  void abandon() {
    file = PosixFile();
    std::error_code ignored;
    if (unfinished) std::filesystem::remove(unfinished_path(path), ignored);
    unfinished = false;
  }

  /// Collective. On failure nothing is left behind, and every rank throws.
  void together(std::function<void()> const& work) {
    try {
      parallel::all_or_none(communicator, work);
    } catch (...) {
      abandon();
      throw;
    }
  }

  /// With DATASUM and CHECKSUM filled in. Their cards are there already: the header keeps its length.
  void write_header(HduLayout& hdu, std::uint32_t data_sum) {
    hdu.header.set("DATASUM", std::to_string(data_sum));
    FitsSum whole;
    whole.add(hdu.header_block());
    whole.add(data_sum);
    hdu.header.set("CHECKSUM", encode_checksum(whole.value()));
    file.write_at(hdu.header_offset, hdu.header_block());
  }
};

ParallelFitsFile::ParallelFitsFile(parallel::Communicator const& communicator, std::filesystem::path const& path,
                                   std::vector<HduPlan> const& plans)
    : state_(std::make_unique<State>()) {
  auto& state = *state_;
  state.communicator = communicator;
  state.path = path;
  state.layout = lay_out_file(plans);
  state.sums.resize(state.layout.hdus.size());
  state.together([&] {
    if (!communicator.is_root()) return;
    state.file = PosixFile::create(unfinished_path(path));
    state.unfinished = true;
    state.file.reserve(state.layout.bytes);
  });
  state.together([&] {
    if (!communicator.is_root()) state.file = PosixFile::open_for_writing(unfinished_path(path));
  });
}

ParallelFitsFile::~ParallelFitsFile() { state_->abandon(); }

void ParallelFitsFile::write(std::size_t index, std::int64_t offset, std::span<std::byte const> bytes) {
  auto& state = *state_;
  TESSERA_EXPECT(index < state.layout.hdus.size());
  auto const& hdu = state.layout.hdus[index];
  auto const end = offset + static_cast<std::int64_t>(bytes.size());
  TESSERA_EXPECT(offset >= 0 && offset % 4 == 0 && end <= hdu.data_bytes);
  TESSERA_EXPECT(end % 4 == 0 || end == hdu.data_bytes);
  if (state.failure) return;
  try {
    state.file.write_at(hdu.data_offset + offset, bytes);
    state.sums[index].add(bytes);
  } catch (...) {
    state.failure = std::current_exception();
  }
}

void ParallelFitsFile::finish() {
  auto& state = *state_;
  state.together([&] {
    if (state.failure) std::rethrow_exception(state.failure);
    state.file.sync();
  });
  std::vector<std::uint32_t> data_sums;
  for (auto const& sum : state.sums)
    data_sums.push_back(
        static_cast<std::uint32_t>(FitsSum::folded(static_cast<std::uint64_t>(state.communicator.sum(sum.value())))));
  state.together([&] {
    if (!state.communicator.is_root()) return state.file.close();
    for (std::size_t i = 0; i < data_sums.size(); ++i) state.write_header(state.layout.hdus[i], data_sums[i]);
    state.file.sync();
    state.file.close();
    commit_file(unfinished_path(state.path), state.path);
    state.unfinished = false;
  });
}

void write_fits(std::filesystem::path const& path, std::vector<HduPlan> const& plans,
                std::vector<std::vector<std::byte>> const& data) {
  TESSERA_EXPECT(data.size() == plans.size());
  ParallelFitsFile file(parallel::Communicator(), path, plans);
  for (std::size_t i = 0; i < data.size(); ++i) file.write(i, 0, data[i]);
  file.finish();
}

}  // namespace tessera::io
