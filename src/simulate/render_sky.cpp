#include "tessera/simulate/render_sky.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "node_grid.hpp"
#include "tessera/simulate/point_spread.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

constexpr double Arcsec = std::numbers::pi / 180 / 3600;
constexpr double NodeSpacing = 0.25;  ///< arcsec
constexpr double SourceMargin = 12;   ///< arcsec around the detector within which a source can reach it
constexpr double MicrojanskyToMegajansky = 1e-12;

/// Target-plane positions (arcsec) of pixels.
struct PlaneColumns {
  std::vector<double> east, north;
};
PlaneColumns to_plane(Scene const& scene, sky::Wcs const& wcs, std::vector<double> const& x,
                      std::vector<double> const& y) {
  PlaneColumns out{std::vector<double>(x.size()), std::vector<double>(x.size())};
  std::vector<double> ra(x.size()), dec(x.size());
  wcs.pixel_to_sky(x, y, ra, dec);
  scene.to_plane(ra, dec, out.east, out.north);
  return out;
}

/// d(east, north) / d(x, y) at the middle of the image, arcsec a pixel.
struct Jacobian {
  double ex, ey, nx, ny;
};
Jacobian jacobian_at(Scene const& scene, sky::Wcs const& wcs, double x, double y) {
  auto const at = to_plane(scene, wcs, {x - 0.5, x + 0.5, x, x}, {y, y, y - 0.5, y + 0.5});
  return {at.east[1] - at.east[0], at.east[3] - at.east[2], at.north[1] - at.north[0], at.north[3] - at.north[2]};
}

}  // namespace

std::vector<float> make_area_plane(Detector const& detector, double va_scale) {
  NodeGrid const nodes{detector.nx, detector.ny, 32};
  auto const distortion = make_distortion(detector);
  std::vector<double> values;
  for (int row = 0; row < nodes.rows(); ++row)
    for (int column = 0; column < nodes.columns(); ++column) {
      double const x = nodes.x(column) + static_cast<double>(detector.substrt1 - 1);
      double const y = nodes.y(row) + static_cast<double>(detector.substrt2 - 1);
      double const xs[]{x - 0.5, x + 0.5, x, x}, ys[]{y, y, y - 0.5, y + 0.5};
      double v2[4], v3[4];
      double const* in[]{xs, ys};
      double* out[]{v2, v3};
      distortion->evaluate(4, in, out);
      double const area = std::abs((v2[1] - v2[0]) * (v3[3] - v3[2]) - (v2[3] - v2[2]) * (v3[1] - v3[0]));
      values.push_back(area * Arcsec * Arcsec * va_scale * va_scale / detector.pixel_area);
    }
  return nodes.interpolate(values);
}

std::vector<float> render_smooth(Scene const& scene, BandMix const& mix, sky::Wcs const& wcs, int nx, int ny) {
  Jacobian const j = jacobian_at(scene, wcs, 0.5 * nx, 0.5 * ny);
  double const pixel = std::sqrt(std::abs(j.ex * j.ny - j.ey * j.nx));
  NodeGrid const nodes{nx, ny, std::max(1, static_cast<int>(std::lround(NodeSpacing / pixel)))};
  std::vector<double> x, y;
  for (int row = 0; row < nodes.rows(); ++row)
    for (int column = 0; column < nodes.columns(); ++column) {
      x.push_back(nodes.x(column));
      y.push_back(nodes.y(row));
    }
  auto const at = to_plane(scene, wcs, x, y);
  std::vector<double> values(x.size());
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = scene.brightness(mix, {at.east[k], at.north[k]});
  return nodes.interpolate(values);
}

std::vector<model::PixelPoint> find_pixels(sky::Wcs const& wcs, std::vector<model::SkyPoint> const& positions) {
  std::size_t const count = positions.size();
  std::vector<double> ra, dec, x(count), y(count);
  for (auto const& sky : positions) {
    ra.push_back(sky.ra);
    dec.push_back(sky.dec);
  }
  wcs.sky_to_pixel(ra, dec, x, y);
  // Newton on the forward transform, differences in the tangent plane at each position.
  constexpr int Points = 3;
  std::vector<double> px(Points * count), py(Points * count), pra(Points * count), pdec(Points * count);
  for (int step = 0; step < 3; ++step) {
    for (std::size_t k = 0; k < count; ++k)
      for (int p = 0; p < Points; ++p) {
        px[Points * k + p] = x[k] + (p == 1);
        py[Points * k + p] = y[k] + (p == 2);
      }
    wcs.pixel_to_sky(px, py, pra, pdec);
    for (std::size_t k = 0; k < count; ++k) {
      auto const axes = sky::tangent_axes(positions[k]);
      double e[Points], n[Points];
      for (int p = 0; p < Points; ++p) {
        auto const v = sky::to_vector(pra[Points * k + p], pdec[Points * k + p]);
        e[p] = dot(v, axes.east) / dot(v, axes.centre);
        n[p] = dot(v, axes.north) / dot(v, axes.centre);
      }
      double const ex = e[1] - e[0], ey = e[2] - e[0], nx = n[1] - n[0], ny = n[2] - n[0];
      double const determinant = ex * ny - ey * nx;
      x[k] -= (e[0] * ny - n[0] * ey) / determinant;
      y[k] -= (n[0] * ex - e[0] * nx) / determinant;
    }
  }
  std::vector<model::PixelPoint> pixels(count);
  for (std::size_t k = 0; k < count; ++k) pixels[k] = {x[k], y[k]};
  return pixels;
}

void add_sources(Scene const& scene, Band const& band, Detector const& detector, sky::Wcs const& wcs,
                 std::vector<float> const& area, double noise, std::vector<float>& image) {
  double const right = detector.nx - 0.5, top = detector.ny - 0.5;
  auto const corners = to_plane(scene, wcs, {-0.5, right, -0.5, right}, {-0.5, -0.5, top, top});
  auto const [east_low, east_high] = std::minmax_element(corners.east.begin(), corners.east.end());
  auto const [north_low, north_high] = std::minmax_element(corners.north.begin(), corners.north.end());
  auto const sources = scene.sources_in(
      {*east_low - SourceMargin, *north_low - SourceMargin, *east_high + SourceMargin, *north_high + SourceMargin});
  std::vector<model::SkyPoint> positions;
  for (Source const& source : sources) positions.push_back(scene.to_sky(source.at));
  auto const pixels = find_pixels(wcs, positions);
  PointSpread const psf(band.fwhm);
  Jacobian const j = jacobian_at(scene, wcs, 0.5 * detector.nx, 0.5 * detector.ny);
  double const determinant = j.ex * j.ny - j.ey * j.nx;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    Source const& source = sources[k];
    double const total = source.flux_at(band.wavelength) * MicrojanskyToMegajansky / detector.pixel_area;
    if (source.size == 0) {
      psf.add(pixels[k].x, pixels[k].y, total, psf.radius_to(total, 0.02 * noise), detector.nx, detector.ny,
              area.data(), image.data());
      continue;
    }
    // Covariance on the sky, brought to pixels, plus PSF core and pixel.
    double const a = source.angle * std::numbers::pi / 180, c = std::cos(a), s = std::sin(a);
    double const major = source.size * source.size, minor = major * source.axis_ratio * source.axis_ratio;
    double const ee = major * s * s + minor * c * c, nn = major * c * c + minor * s * s, en = (major - minor) * s * c;
    double const xe = j.ny / determinant, xn = -j.ey / determinant, ye = -j.nx / determinant, yn = j.ex / determinant;
    double const core = psf.core_sigma() * psf.core_sigma() + 1.0 / 12;
    add_gaussian(pixels[k].x, pixels[k].y, total, xe * xe * ee + 2 * xe * xn * en + xn * xn * nn + core,
                 xe * ye * ee + (xe * yn + xn * ye) * en + xn * yn * nn,
                 ye * ye * ee + 2 * ye * yn * en + yn * yn * nn + core, detector.nx, detector.ny, area.data(),
                 image.data());
  }
}

}  // namespace tessera::simulate
