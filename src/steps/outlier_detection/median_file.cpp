#include "median_file.hpp"

#include <algorithm>
#include <limits>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

using io::Hdf5File;
constexpr char const* Dataset = "median";

bool is_file_of(OutlierPlan const& plan) {
  try {
    Hdf5File const file(plan.median_file(), Hdf5File::Mode::ReadOnly);
    return file.text_attribute("", "key") == plan.median_key();
  } catch (Error const&) {  // missing, or damaged when a run was cut off: it is made anew
    return false;
  }
}

}  // namespace

exchange::BlockJournal make_median_journal(OutlierPlan const& plan, int world_rank) {
  return {plan.median_journal(), plan.median_file(), plan.median_key(), world_rank};
}

std::set<std::int64_t> begin_median_file(OutlierPlan const& plan, exchange::BlockJournal const& journal) {
  auto finished = journal.finished_blocks();
  if (!finished.empty() && is_file_of(plan)) return finished;
  std::filesystem::create_directories(plan.task->scratch);
  journal.restart();
  Hdf5File file(plan.median_file(), Hdf5File::Mode::Create);
  file.set_attribute("", "format", std::string("tessera outlier medians 1"));
  file.set_attribute("", "key", plan.median_key());
  file.create_image(Dataset, io::Hdf5Type::Float32, plan.sky.grid.ny, plan.sky.grid.nx);
  return {};
}

void write_median(Hdf5File& file, OutlierPlan const& plan, std::int64_t block, std::vector<float> const& median) {
  auto const box = plan.block_box(block);
  std::vector<float> chunk;
  for (std::int64_t x0 = box.x0; x0 < box.x1; x0 += model::BlockSize) {
    model::PixelBox const part{x0, box.y0, std::min<std::int64_t>(x0 + model::BlockSize, box.x1), box.y1};
    if (part == box) return file.write_box(Dataset, box, median);
    chunk.clear();
    for (auto y = part.y0; y < part.y1; ++y) {
      auto const row = median.begin() + (y - box.y0) * box.width() - box.x0;
      chunk.insert(chunk.end(), row + part.x0, row + part.x1);
    }
    file.write_box(Dataset, part, chunk);
  }
}

MedianReader::MedianReader(OutlierPlan const& plan)
    : plan_(plan), file_(plan.median_file(), Hdf5File::Mode::ReadOnly) {}

void MedianReader::read(model::PixelBox const& box, std::vector<float>& values) {
  values.assign(static_cast<std::size_t>(box.width() * box.height()), std::numeric_limits<float>::quiet_NaN());
  auto const blocks = plan_.sky.grid.blocks();
  for (std::int64_t row = box.y0 / model::BlockSize; row * model::BlockSize < box.y1; ++row)
    for (std::int64_t column = box.x0 / model::BlockSize; column * model::BlockSize < box.x1; ++column) {
      auto const block = row * blocks.columns() + column;
      // Blocks of a detector are whole strips; those of the sky that no exposure reaches were never written.
      bool const is_written =
          !plan_.options.resample_data || !plan_.sky.block_members[static_cast<std::size_t>(block)].empty();
      if (!is_written) continue;
      auto const whole = blocks.box(block), part = intersect(whole, box);
      block_.resize(static_cast<std::size_t>(whole.width() * whole.height()));
      file_.read_box(Dataset, whole, block_);  // a whole chunk lies together in the file
      bytes_read_ += static_cast<std::int64_t>(block_.size() * sizeof(float));
      for (auto y = part.y0; y < part.y1; ++y) {
        auto const from = block_.begin() + (y - whole.y0) * whole.width() - whole.x0;
        std::copy(from + part.x0, from + part.x1, values.begin() + (y - box.y0) * box.width() + (part.x0 - box.x0));
      }
    }
}

}  // namespace tessera::steps
