#include "stripe_layout.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tessera/core/contract.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t DetectorWidth = 2048;      ///< of NIRCam and NIRISS
constexpr std::int64_t CoronagraphColumns = 300;  ///< of MIRI: left of them are the coronagraphs
constexpr std::int64_t Outputs = 4;
constexpr std::int64_t ReferencePixels = 4;

bool is_near_infrared(std::string const& instrument) { return instrument == "NIRCAM" || instrument == "NIRISS"; }

}  // namespace

StripeLayout find_stripe_layout(store::ExposureReader const& reader, bool quadrants) {
  auto const& record = reader.record();
  return find_stripe_layout(reader.primary_header(), record.instrument, record.identity.half, record.nx, record.ny,
                            quadrants);
}

StripeLayout find_stripe_layout(model::Header const& header, std::string const& instrument, model::Half half,
                                std::int64_t nx, std::int64_t ny, bool quadrants) {
  StripeLayout layout;
  layout.turned = std::llabs(header.integer("FASTAXIS").value_or(1)) == 2 ||
                  (!header.has("FASTAXIS") && std::llabs(header.integer("SLOWAXIS").value_or(2)) == 1);
  layout.nx = layout.turned ? ny : nx;
  layout.ny = layout.turned ? nx : ny;
  layout.bounds = {0, layout.nx};
  auto const subarray = header.text("SUBARRAY").value_or("");
  bool const is_full = subarray == "FULL" || (subarray.empty() && layout.nx == DetectorWidth);
  bool const is_full_near_infrared = is_near_infrared(instrument) && is_full;
  if (is_full_near_infrared && std::min(layout.nx, layout.ny) > 2 * ReferencePixels)
    layout.reference_pixels = ReferencePixels;
  // A subarray as wide as the detector may be read through all outputs too (SUBGRISM256): its header must say so.
  auto const outputs = header.integer("NOUTPUTS").value_or(is_full ? Outputs : 1);
  bool const spans_all = is_full || layout.nx == DetectorWidth;
  if (quadrants && is_near_infrared(instrument) && spans_all && outputs == Outputs && layout.nx % Outputs == 0)
    layout.bounds = {0, layout.nx / 4, layout.nx / 2, 3 * layout.nx / 4, layout.nx};
  bool const has_coronagraphs = instrument == "MIRI" && (subarray.empty() || subarray == "FULL");
  if (has_coronagraphs && half != model::Half::Lyot && layout.nx > CoronagraphColumns)
    layout.first_column = CoronagraphColumns;
  return layout;
}

StripeLayout without_reference_pixels(StripeLayout layout) {
  layout.border = layout.reference_pixels;
  layout.bounds.front() = layout.border;
  layout.bounds.back() = layout.nx - layout.border;
  return layout;
}

void StripeProfile::add(StripeProfile const& other) {
  TESSERA_EXPECT(rows.size() == other.rows.size());
  for (std::size_t a = 0; a < rows.size(); ++a)
    for (std::size_t y = 0; y < rows[a].size(); ++y) rows[a][y] += other.rows[a][y];
  if (columns.empty()) columns.assign(other.columns.size(), 0.0);
  for (std::size_t x = 0; x < other.columns.size(); ++x) columns[x] += other.columns[x];
}

StripeProfile make_profile(StripeLayout const& layout) {
  StripeProfile profile;
  profile.rows.assign(layout.bounds.size() - 1, std::vector<double>(static_cast<std::size_t>(layout.ny), 0.0));
  return profile;
}

void subtract_profile(StripeProfile const& profile, StripeLayout const& layout, std::span<float> sci) {
  std::int64_t const step_x = layout.turned ? layout.ny : 1, step_y = layout.turned ? 1 : layout.nx;
  for (std::size_t a = 0; a < profile.rows.size(); ++a)
    for (std::int64_t y = layout.border; y < layout.ny - layout.border; ++y) {
      double const row = profile.rows[a][static_cast<std::size_t>(y)];
      for (auto x = layout.bounds[a]; x < layout.bounds[a + 1]; ++x) {
        float& value = sci[static_cast<std::size_t>(y * step_y + x * step_x)];
        if (value == 0) continue;
        double const stripe = profile.columns.empty() ? row : row + profile.columns[static_cast<std::size_t>(x)];
        value = static_cast<float>(static_cast<double>(value) - stripe);
      }
    }
}

std::vector<model::LedgerEntry> make_entries(StripeProfile const& profile, StripeLayout const& layout) {
  using Direction = model::StripeCorrection::Direction;
  auto const is_zero = [](std::vector<double> const& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return value == 0; });
  };
  auto const rounded = [](std::vector<double> const& values) {
    std::vector<float> floats;
    for (double const value : values) floats.push_back(static_cast<float>(value));
    return floats;
  };
  std::vector<model::LedgerEntry> entries;
  auto const add = [&](Direction direction, std::vector<std::int64_t> const& bounds,
                       std::vector<std::vector<double>> const& values) {
    if (std::all_of(values.begin(), values.end(), is_zero)) return;
    model::StripeCorrection correction;
    correction.direction = direction;
    correction.bounds = bounds;
    for (auto const& one : values) correction.profile.push_back(rounded(one));
    entries.emplace_back().correction = std::move(correction);
  };
  add(layout.turned ? Direction::Columns : Direction::Rows, layout.bounds, profile.rows);
  if (!profile.columns.empty())
    add(layout.turned ? Direction::Rows : Direction::Columns, {layout.border, layout.ny - layout.border},
        {profile.columns});
  return entries;
}

std::vector<std::byte> pack_profile(StripeProfile const& profile, double remark) {
  std::vector<double> numbers{remark, static_cast<double>(profile.rows.size()),
                              static_cast<double>(profile.rows.front().size()),
                              static_cast<double>(profile.columns.size())};
  for (auto const& rows : profile.rows) numbers.insert(numbers.end(), rows.begin(), rows.end());
  numbers.insert(numbers.end(), profile.columns.begin(), profile.columns.end());
  auto const bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

StripeProfile unpack_profile(std::span<std::byte const> bytes, double& remark) {
  std::vector<double> numbers(bytes.size() / sizeof(double));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(double));
  TESSERA_EXPECT(numbers.size() >= 4);
  remark = numbers[0];
  StripeProfile profile;
  auto from = numbers.begin() + 4;
  for (int a = 0; a < static_cast<int>(numbers[1]); ++a) {
    profile.rows.emplace_back(from, from + static_cast<std::ptrdiff_t>(numbers[2]));
    from += static_cast<std::ptrdiff_t>(numbers[2]);
  }
  profile.columns.assign(from, from + static_cast<std::ptrdiff_t>(numbers[3]));
  return profile;
}

}  // namespace tessera::steps
