#include "label_runs.hpp"

#include <algorithm>

#include "tessera/core/error.hpp"
#include "tessera/model/blocks.hpp"

namespace tessera::steps {

namespace {

std::string prefix_of(std::filesystem::path const& segmentation_map) {
  return segmentation_map.filename().string() + ".runs-";
}

[[noreturn]] void fail(std::string const& what, std::filesystem::path const& path) {
  throw IoError({what, path.string(), "", "", "check the disk and run again"});
}

}  // namespace

std::filesystem::path label_runs_path(std::filesystem::path const& segmentation_map, int rank) {
  return segmentation_map.parent_path() / (prefix_of(segmentation_map) + std::to_string(rank));
}

void remove_label_runs(std::filesystem::path const& segmentation_map) {
  std::error_code ignored;
  std::vector<std::filesystem::path> found;
  for (auto const& entry : std::filesystem::directory_iterator(segmentation_map.parent_path(), ignored))
    if (entry.path().filename().string().starts_with(prefix_of(segmentation_map))) found.push_back(entry.path());
  for (auto const& path : found) std::filesystem::remove(path, ignored);
}

LabelRunsWriter::LabelRunsWriter(std::filesystem::path const& segmentation_map, int rank)
    : path_(label_runs_path(segmentation_map, rank)), file_(path_, std::ios::binary | std::ios::trunc), rank_(rank) {
  if (!file_) fail("a working file cannot be made", path_);
}

void LabelRunsWriter::append(std::vector<LabelRun> runs) {
  std::stable_sort(runs.begin(), runs.end(), [](LabelRun const& a, LabelRun const& b) {
    return a.y / model::BlockSize < b.y / model::BlockSize;
  });
  for (std::size_t begin = 0; begin < runs.size();) {
    auto const band = runs[begin].y / model::BlockSize;
    auto end = begin;
    while (end < runs.size() && runs[end].y / model::BlockSize == band) ++end;
    auto const count = static_cast<std::int64_t>(end - begin);
    chunks_.push_back({rank_, band, written_, count});
    written_ += count;
    begin = end;
  }
  file_.write(reinterpret_cast<char const*>(runs.data()), static_cast<std::streamsize>(runs.size() * sizeof(LabelRun)));
  if (!file_) fail("writing a working file failed", path_);
}

std::vector<RunsChunk> LabelRunsWriter::finish() {
  file_.close();
  if (!file_) fail("writing a working file failed", path_);
  return std::move(chunks_);
}

std::vector<LabelRun> read_label_runs(std::filesystem::path const& segmentation_map, RunsChunk const& chunk) {
  auto const path = label_runs_path(segmentation_map, chunk.rank);
  std::ifstream file(path, std::ios::binary);
  std::vector<LabelRun> runs(static_cast<std::size_t>(chunk.count));
  file.seekg(static_cast<std::streamoff>(chunk.first) * static_cast<std::streamoff>(sizeof(LabelRun)));
  file.read(reinterpret_cast<char*>(runs.data()), static_cast<std::streamsize>(runs.size() * sizeof(LabelRun)));
  if (!file) fail("reading a working file failed", path);
  return runs;
}

}  // namespace tessera::steps
