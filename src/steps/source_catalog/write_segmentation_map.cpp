#include "write_segmentation_map.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "../share_mosaics.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::steps {

namespace {

/// Of the mosaic's SCI: where its pixels are, and nothing about what they hold.
bool is_about_the_sky(std::string const& keyword) {
  static constexpr std::array<std::string_view, 24> Keywords{
      "WCSAXES", "CRPIX1", "CRPIX2", "CRVAL1",  "CRVAL2",  "CTYPE1",  "CTYPE2",  "CUNIT1",
      "CUNIT2",  "CDELT1", "CDELT2", "PC1_1",   "PC1_2",   "PC2_1",   "PC2_2",   "CD1_1",
      "CD1_2",   "CD2_1",  "CD2_2",  "LONPOLE", "LATPOLE", "RADESYS", "EQUINOX", "S_REGION"};
  return std::find(Keywords.begin(), Keywords.end(), keyword) != Keywords.end();
}

std::vector<io::HduPlan> plan_hdus(CatalogueImage const& image, std::filesystem::path const& path,
                                   std::string const& catalogue) {
  io::HduPlan primary;
  primary.header = image.primary();
  primary.header.set("FILENAME", path.filename().string(), "Name of the file");
  primary.header.set("DATAMODL", "SegmentationMapModel", "Type of data model");
  primary.header.set("SCATFILE", catalogue, "Source catalog filename");
  io::HduPlan labels;
  labels.extname = "SCI";
  labels.bitpix = 32;
  labels.unsigned_integers = true;
  labels.axes = {image.nx(), image.ny()};
  labels.header = image.sci();
  labels.header.remove_if([](std::string const& keyword) { return !is_about_the_sky(keyword); });
  return {primary, labels};
}

/// Labels of the rows y0 <= y < y1.
void paint_band(std::filesystem::path const& path, std::vector<RunsChunk> const& chunks, LabelNumbers const& numbers,
                std::int64_t y0, std::int64_t nx, std::vector<std::uint32_t>& labels) {
  for (auto const& chunk : chunks)
    for (auto const& run : read_label_runs(path, chunk)) {
      auto const label = static_cast<std::uint32_t>(numbers.label(run.segment, run.part));
      std::fill_n(labels.begin() + (run.y - y0) * nx + run.x0, run.x1 - run.x0, label);
    }
}

}  // namespace

std::int64_t write_segmentation_map(parallel::Communicator const& group, CatalogueImage const& image,
                                    std::filesystem::path const& path, std::string const& catalogue,
                                    std::vector<RunsChunk> const& chunks, LabelNumbers const& numbers,
                                    parallel::MemoryBudget& budget) {
  auto const mine = own_block_rows(group, image.ny());
  std::vector<std::vector<RunsChunk>> of_band(mine.size());
  for (auto const& chunk : chunks)
    if (auto const band = static_cast<std::size_t>(chunk.band); band >= mine.begin && band < mine.end)
      of_band[band - mine.begin].push_back(chunk);
  io::ParallelFitsFile fits(group, path, plan_hdus(image, path, catalogue));
  std::int64_t written = 0;
  parallel::all_or_none(group, [&] {
    parallel::MemoryBudget::Reservation const held(budget, "source_catalog: rows of the segmentation map",
                                                   8 * model::BlockSize * image.nx());
    std::vector<std::uint32_t> labels;
    std::vector<std::byte> bytes;
    for (std::size_t k = 0; k < mine.size(); ++k) {
      auto const y0 = static_cast<std::int64_t>(mine.begin + k) * model::BlockSize;
      auto const y1 = std::min(image.ny(), y0 + model::BlockSize);
      labels.assign(static_cast<std::size_t>((y1 - y0) * image.nx()), 0);
      paint_band(path, of_band[k], numbers, y0, image.nx(), labels);
      bytes.resize(labels.size() * 4);
      io::to_big_endian_unsigned(labels, bytes.data());
      fits.write(1, y0 * image.nx() * 4, bytes);
      written += static_cast<std::int64_t>(bytes.size());
    }
  });
  fits.finish();
  return written;
}

}  // namespace tessera::steps
