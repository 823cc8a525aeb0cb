#include "tessera/kernels/flat_field.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/dq.hpp"

namespace tessera::kernels {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();

/// Calls f(pixel) for each pixel of the rows, rows divided over the threads.
template <class Function>
void for_each_pixel(char const* label, model::RowBand const& image, Function const& f) {
  auto const nx = static_cast<std::size_t>(image.nx);
  Kokkos::parallel_for(label, Kokkos::RangePolicy<compute::HostExecution>(0, image.y1 - image.y0),
                       [&](std::int64_t const row) {
                         auto const begin = static_cast<std::size_t>(row) * nx;
                         for (std::size_t k = begin; k < begin + nx; ++k) f(k);
                       });
}

/// Bits of a flat's pixel, with those that its value calls for.
std::uint32_t flat_bits(float flat, std::uint32_t bits) {
  if (std::isnan(flat) || flat == 0) bits |= dq::DoNotUse | dq::NoFlatField;
  return (bits & dq::NoFlatField) != 0 ? bits | dq::DoNotUse : bits;
}

bool is_whole(std::vector<float> const& plane, model::RowBand const& image) {
  return plane.size() == static_cast<std::size_t>(image.pixel_count());
}

}  // namespace

void flat_field(std::span<float const> flat, std::span<float const> flat_err, std::span<std::uint32_t const> flat_dq,
                model::RowBand& image, FlatFieldOptions const& options) {
  auto const count = static_cast<std::size_t>(image.pixel_count());
  TESSERA_EXPECT(flat.size() == count && flat_err.size() == count && flat_dq.size() == count);
  TESSERA_EXPECT(image.sci.size() == count && image.dq.size() == count);
  TESSERA_EXPECT(image.var_poisson.size() == count && image.var_rnoise.size() == count);
  image.err.resize(count);
  image.var_flat.resize(count);
  for_each_pixel("tessera::flat_field", image, [&](std::size_t const k) {
    auto const bits = flat_bits(flat[k], flat_dq[k]);
    double const f = (bits & dq::DoNotUse) != 0 ? 1.0 : static_cast<double>(flat[k]);
    auto const e = static_cast<double>(flat_err[k]);
    double const squared = f * f, factor = options.inverse ? squared : 1 / squared;
    double const sci = options.inverse ? static_cast<double>(image.sci[k]) * f : static_cast<double>(image.sci[k]) / f;
    double const var_poisson = static_cast<double>(image.var_poisson[k]) * factor;
    double const var_rnoise = static_cast<double>(image.var_rnoise[k]) * factor;
    double const var_flat = options.inverse ? 0.0 : sci * sci / squared * (e * e);
    image.sci[k] = static_cast<float>(sci);
    image.var_poisson[k] = static_cast<float>(var_poisson);
    image.var_rnoise[k] = static_cast<float>(var_rnoise);
    image.var_flat[k] = static_cast<float>(var_flat);
    image.err[k] = static_cast<float>(std::sqrt(var_poisson + var_rnoise + var_flat));
    image.dq[k] |= bits;
    if (options.before_version_1_16 && (image.dq[k] & dq::NonScience) != 0) image.dq[k] |= dq::DoNotUse;
  });
  if (!options.before_version_1_16) match_invalid(image);
}

void divide_by_flat(std::span<float const> flat, std::span<std::uint32_t const> flat_dq, std::span<float> sci) {
  TESSERA_EXPECT(flat.size() == sci.size() && flat_dq.size() == sci.size());
  for (std::size_t k = 0; k < sci.size(); ++k) {
    bool const corrects = (flat_bits(flat[k], flat_dq[k]) & dq::DoNotUse) == 0;
    sci[k] = corrects ? static_cast<float>(static_cast<double>(sci[k]) / static_cast<double>(flat[k])) : NaN;
  }
}

void convert_unit(model::RowBand& image, double conversion, bool inverse, bool before_version_1_16) {
  TESSERA_EXPECT(is_whole(image.sci, image));
  double const factor = inverse ? 1 / conversion : conversion, square = factor * factor;
  auto const scale = [&](std::vector<float>& plane, double by) {
    if (!is_whole(plane, image)) return;
    for_each_pixel("tessera::convert_unit", image,
                   [&](std::size_t const k) { plane[k] = static_cast<float>(static_cast<double>(plane[k]) * by); });
  };
  scale(image.sci, factor);
  scale(image.err, factor);
  for (auto* plane : {&image.var_poisson, &image.var_rnoise, &image.var_flat}) scale(*plane, square);
  if (!before_version_1_16) match_invalid(image);
}

void match_invalid(model::RowBand& image) {
  TESSERA_EXPECT(is_whole(image.sci, image) && image.dq.size() == image.sci.size());
  std::vector<float*> planes;
  for (auto* plane : {&image.sci, &image.err, &image.var_poisson, &image.var_rnoise, &image.var_flat})
    if (is_whole(*plane, image)) planes.push_back(plane->data());
  for_each_pixel("tessera::match_invalid", image, [&](std::size_t const k) {
    bool bad = (image.dq[k] & dq::DoNotUse) != 0;
    for (float const* plane : planes) bad = bad || std::isnan(plane[k]);
    if (!bad) return;
    image.dq[k] |= dq::DoNotUse;
    for (float* plane : planes) plane[k] = NaN;
  });
}

}  // namespace tessera::kernels
