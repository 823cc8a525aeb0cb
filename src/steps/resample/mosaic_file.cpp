#include "tessera/steps/resample/mosaic_file.hpp"

#include <algorithm>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {

namespace {

using io::Hdf5File;
using io::Hdf5Type;

constexpr std::int64_t Side = model::BlockSize;

/// Blocks of the sparse context are squares stacked along y: plane k occupies rows [256 k, 256 (k + 1)).
model::PixelBox context_box(std::int64_t plane) { return {0, plane * Side, Side, (plane + 1) * Side}; }

}  // namespace

std::filesystem::path mosaic_path(MosaicPlan const& plan) { return i2d_path(plan).replace_extension(".h5"); }

std::filesystem::path unfinished_mosaic_path(MosaicPlan const& plan) {
  auto path = mosaic_path(plan);
  path += ".part";
  return path;
}

bool is_mosaic_of(MosaicPlan const& plan) {
  try {
    Hdf5File const file(unfinished_mosaic_path(plan), Hdf5File::Mode::ReadOnly);
    return file.text_attribute("", "key") == plan.key;
  } catch (Error const&) {  // missing, or damaged when a run was cut off: it is made anew
    return false;
  }
}

void create_mosaic_file(MosaicPlan const& plan) {
  std::filesystem::create_directories(plan.request.folder);
  auto const& grid = plan.grid;
  Hdf5File file(unfinished_mosaic_path(plan), Hdf5File::Mode::Create);
  file.set_attribute("", "format", std::string("tessera mosaic 1"));
  file.set_attribute("", "key", plan.key);
  file.set_attribute("", "pixel_scale_ratio", grid.pixel_scale_ratio);
  file.write_array("grid",
                   std::vector<double>{grid.crpix.x, grid.crpix.y, grid.crval.ra, grid.crval.dec, grid.cdelt[0],
                                       grid.cdelt[1], grid.pc[0][0], grid.pc[0][1], grid.pc[1][0], grid.pc[1][1]});
  file.create_image("SCI", Hdf5Type::Float32, grid.ny, grid.nx);
  file.create_image("WHT", Hdf5Type::Float32, grid.ny, grid.nx);
  if (plan.request.options.enable_err)
    for (char const* name : {"ERR", "VAR_RNOISE", "VAR_FLAT", "VAR_POISSON"})
      file.create_image(name, Hdf5Type::Float32, grid.ny, grid.nx);
  if (plan.context_planes == 0) return;
  file.create_image("context/bits", Hdf5Type::UInt32, plan.context_planes * Side, Side);
  // Which input each bit is: inputs of block b are [first[b], first[b + 1]); plane p of the block starts at offset[b] +
  // p.
  std::vector<std::int64_t> first{0}, inputs;
  for (auto const& members : plan.block_members) {
    inputs.insert(inputs.end(), members.begin(), members.end());
    first.push_back(static_cast<std::int64_t>(inputs.size()));
  }
  file.write_array("context/first", first);
  file.write_array("context/inputs", inputs);
  file.write_array("context/offset", plan.context_offset);
}

void write_block(Hdf5File& file, MosaicPlan const& plan, std::int64_t block, kernels::DrizzledBlock const& drizzled) {
  auto const box = plan.grid.blocks().box(block);
  TESSERA_EXPECT(drizzled.box == box);
  file.write_box("SCI", box, drizzled.sci);
  file.write_box("WHT", box, drizzled.wht);
  if (plan.request.options.enable_err) {
    file.write_box("ERR", box, drizzled.err);
    file.write_box("VAR_RNOISE", box, drizzled.var_rnoise);
    file.write_box("VAR_FLAT", box, drizzled.var_flat);
    file.write_box("VAR_POISSON", box, drizzled.var_poisson);
  }
  auto const& members = plan.block_members[static_cast<std::size_t>(block)];
  if (!plan.request.options.enable_ctx || members.empty()) return;

  // The block knows the inputs that reached it; the file has a bit for every one that might have.
  std::size_t const planes = (members.size() + 31) / 32;
  std::vector<std::vector<std::uint32_t>> bits(planes,
                                               std::vector<std::uint32_t>(static_cast<std::size_t>(Side * Side), 0));
  for (std::size_t k = 0; k < drizzled.inputs.size(); ++k) {
    auto const found = std::lower_bound(members.begin(), members.end(), drizzled.inputs[k]);
    TESSERA_EXPECT(found != members.end() && *found == drizzled.inputs[k]);
    auto const to = static_cast<std::size_t>(found - members.begin());
    auto const& source = drizzled.context[k / 32];
    for (std::int64_t y = 0; y < box.height(); ++y)
      for (std::int64_t x = 0; x < box.width(); ++x)
        bits[to / 32][static_cast<std::size_t>(y * Side + x)] |=
            ((source[static_cast<std::size_t>(y * box.width() + x)] >> (k % 32)) & 1u) << (to % 32);
  }
  for (std::size_t plane = 0; plane < planes; ++plane)
    file.write_box("context/bits",
                   context_box(plan.context_offset[static_cast<std::size_t>(block)] + static_cast<std::int64_t>(plane)),
                   bits[plane]);
}

std::vector<std::uint32_t> read_dense_context(Hdf5File const& file, MosaicPlan const& plan, std::int64_t strip,
                                              int plane) {
  auto const blocks = plan.grid.blocks();
  std::int64_t const y0 = strip * Side, height = std::min(Side, plan.grid.ny - y0);
  std::vector<std::uint32_t> dense(static_cast<std::size_t>(height * plan.grid.nx), 0);
  std::vector<std::uint32_t> bits(static_cast<std::size_t>(Side * Side));
  for (std::int64_t column = 0; column < blocks.columns(); ++column) {
    std::int64_t const block = strip * blocks.columns() + column;
    auto const box = blocks.box(block);
    auto const& members = plan.block_members[static_cast<std::size_t>(block)];
    for (std::size_t first = 0; first < members.size(); first += 32) {
      std::size_t const last = std::min(members.size(), first + 32);
      // Only members of this dense plane matter: numbers [32 plane, 32 plane + 32).
      if (members[last - 1] < 32 * plane || members[first] >= 32 * (plane + 1)) continue;
      file.read_box(
          "context/bits",
          context_box(plan.context_offset[static_cast<std::size_t>(block)] + static_cast<std::int64_t>(first / 32)),
          bits);
      for (std::size_t k = first; k < last; ++k) {
        int const bit = members[k] - 32 * plane;
        if (bit < 0 || bit > 31) continue;
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < box.width(); ++x)
            dense[static_cast<std::size_t>(y * plan.grid.nx + box.x0 + x)] |=
                ((bits[static_cast<std::size_t>(y * Side + x)] >> (k - first)) & 1u) << bit;
      }
    }
  }
  return dense;
}

MosaicJournal::MosaicJournal(MosaicPlan const& plan, int world_rank)
    : BlockJournal(i2d_path(plan).replace_extension(".journal"), unfinished_mosaic_path(plan), plan.key, world_rank) {}

}  // namespace tessera::steps
