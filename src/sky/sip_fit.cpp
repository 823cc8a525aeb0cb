#include "tessera/sky/sip_fit.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cctype>
#include <cmath>

#include "tessera/core/error.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::sky {

namespace {

/// Sample points: pixel offsets (u, v) from the reference pixel and tangent-plane positions (x, y) in degrees.
struct Samples {
  Eigen::VectorXd u, v, x, y;
};

Samples sample(Wcs const& wcs, BoundingBox const& box, int n, PixelPoint crpix, SkyPoint crval) {
  auto const count = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<double> px(count), py(count), ra(count), dec(count);
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < n; ++i) {
      auto const k = static_cast<std::size_t>(j * n + i);
      px[k] = box.x_low + i * ((box.x_high - box.x_low) / (n - 1));
      py[k] = box.y_low + j * ((box.y_high - box.y_low) / (n - 1));
    }
  wcs.pixel_to_sky(px, py, ra, dec);
  auto const axes = tangent_axes(crval);
  Samples s;
  for (auto* column : {&s.u, &s.v, &s.x, &s.y}) column->resize(static_cast<Eigen::Index>(count));
  for (std::size_t k = 0; k < count; ++k) {
    auto const row = static_cast<Eigen::Index>(k);
    Vector3 const direction = to_vector(ra[k], dec[k]);
    double const w = dot(axes.centre, direction);
    if (!(w > 0))
      throw InputError({.what = "the SIP approximation cannot be fitted",
                        .where = fmt::format("WCS ({})", wcs.description()),
                        .expected = "positions on the sky over the whole bounding box",
                        .found = fmt::format("none at pixel ({}, {})", px[k], py[k]),
                        .remedy = "check the WCS of the exposure"});
    s.u[row] = px[k] - crpix.x;
    s.v[row] = py[k] - crpix.y;
    s.x[row] = dot(axes.east, direction) / w * DegreesPerRadian;
    s.y[row] = dot(axes.north, direction) / w * DegreesPerRadian;
  }
  return s;
}

/// Columns u^i v^j, 0 < i + j <= degree, by rising i + j, then rising j.
Eigen::MatrixXd monomials(Eigen::VectorXd const& u, Eigen::VectorXd const& v, int degree) {
  Eigen::MatrixXd columns(u.size(), degree * (degree + 3) / 2);
  Eigen::Index column = 0;
  for (int total = 1; total <= degree; ++total)
    for (int j = 0; j <= total; ++j) columns.col(column++) = u.array().pow(total - j) * v.array().pow(j);
  return columns;
}

/// Two polynomials without constant term; coefficients [i * (degree + 1) + j] of u^i v^j.
struct Polynomials {
  int degree = 1;
  std::vector<double> f, g;
  double error = 0;  ///< largest distance over the samples of the fit
  bool tolerance_met = false;
  double coefficient_f(int i, int j) const { return f[static_cast<std::size_t>(i * (degree + 1) + j)]; }
  double coefficient_g(int i, int j) const { return g[static_cast<std::size_t>(i * (degree + 1) + j)]; }
};

double value(std::vector<double> const& c, int degree, double u, double v) {
  double sum = 0;
  for (int i = degree; i >= 0; --i) {
    double inner = 0;
    for (int j = degree - i; j >= 0; --j) inner = inner * v + c[static_cast<std::size_t>(i * (degree + 1) + j)];
    sum = sum * u + inner;
  }
  return sum;
}

double largest_distance(Polynomials const& p, Eigen::VectorXd const& u, Eigen::VectorXd const& v,
                        Eigen::VectorXd const& f, Eigen::VectorXd const& g) {
  double largest = 0;
  for (Eigen::Index k = 0; k < u.size(); ++k)
    largest =
        std::max(largest, std::hypot(value(p.f, p.degree, u[k], v[k]) - f[k], value(p.g, p.degree, u[k], v[k]) - g[k]));
  return largest;
}

/// Least squares of f and g on the monomials of (u, v) scaled to the unit square; nullopt when they are not
/// independent.
std::optional<Polynomials> fit(Eigen::VectorXd const& u, Eigen::VectorXd const& v, Eigen::VectorXd const& f,
                               Eigen::VectorXd const& g, int degree) {
  double const su = u.cwiseAbs().maxCoeff(), sv = v.cwiseAbs().maxCoeff();
  if (!(su > 0) || !(sv > 0)) return std::nullopt;
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> const solver(monomials(u / su, v / sv, degree));
  if (solver.rank() < solver.cols()) return std::nullopt;
  Eigen::VectorXd const cf = solver.solve(f), cg = solver.solve(g);
  auto const size = static_cast<std::size_t>((degree + 1) * (degree + 1));
  Polynomials p{degree, std::vector<double>(size), std::vector<double>(size), 0, false};
  Eigen::Index column = 0;
  for (int total = 1; total <= degree; ++total)
    for (int j = 0; j <= total; ++j, ++column) {
      int const i = total - j;
      double const scale = std::pow(su, i) * std::pow(sv, j);
      p.f[static_cast<std::size_t>(i * (degree + 1) + j)] = cf[column] / scale;
      p.g[static_cast<std::size_t>(i * (degree + 1) + j)] = cg[column] / scale;
    }
  p.error = largest_distance(p, u, v, f, g);
  return p;
}

/// Degrees in turn until the tolerance is met or a higher one is no better (spec 20, 3.9 item 7).
Polynomials fit_to_tolerance(Eigen::VectorXd const& u, Eigen::VectorXd const& v, Eigen::VectorXd const& f,
                             Eigen::VectorXd const& g, double tolerance, std::optional<int> degree) {
  int const first = degree.value_or(1), last = degree.value_or(5);
  std::optional<Polynomials> best;
  for (int d = first; d <= last; ++d) {
    auto attempt = fit(u, v, f, g, d);
    if (!attempt || (best && attempt->error >= best->error)) break;
    best = std::move(attempt);
    best->tolerance_met = best->error <= tolerance;
    if (best->tolerance_met) break;
  }
  if (!best)
    throw InputError({.what = "the SIP approximation cannot be fitted",
                      .where = "sip_degree and sip_npoints",
                      .expected = "more sample points than coefficients",
                      .found = fmt::format("degree {} on {} points", first, u.size()),
                      .remedy = "give more points or a lower degree"});
  return *best;
}

void check_options(BoundingBox const& box, SipFitOptions const& options) {
  auto const refuse = [](std::string const& where, std::string const& expected, std::string const& found) {
    throw InputError({.what = "the SIP approximation cannot be fitted",
                      .where = where,
                      .expected = expected,
                      .found = found,
                      .remedy = "give another value"});
  };
  if (!(box.x_high - box.x_low >= 1) || !(box.y_high - box.y_low >= 1))
    refuse("bounding box of the WCS", "sides of at least 1 pixel",
           fmt::format("{} x {} pixels", box.x_high - box.x_low, box.y_high - box.y_low));
  if (options.npoints < 8) refuse("sip_npoints", "8 or more", fmt::format("{}", options.npoints));
  for (auto const& [name, degree] : {std::pair{"sip_degree", options.degree}, {"sip_inv_degree", options.inv_degree}})
    if (degree && (*degree < 1 || *degree > 6)) refuse(name, "1 to 6", fmt::format("{}", *degree));
}

/// Keywords that another description of the same axes may have left behind.
bool is_replaced(std::string const& keyword) {
  auto const all_digits = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  };
  auto const is_pair = [&](std::string_view text) {
    auto const bar = text.find('_');
    return bar != text.npos && all_digits(text.substr(0, bar)) && all_digits(text.substr(bar + 1));
  };
  std::string_view const k = keyword;
  if (k.starts_with("PC")) return is_pair(k.substr(2));
  if (k.starts_with("CDELT")) return all_digits(k.substr(5));
  for (std::string_view const prefix : {"A_", "B_", "AP_", "BP_"})
    if (k.starts_with(prefix)) {
      auto const rest = k.substr(prefix.size());
      return rest == "ORDER" || rest == "DMAX" || is_pair(rest);
    }
  return false;
}

void write_coefficients(model::Header& header, char const* name, std::vector<double> const& c, int order, int lowest) {
  for (int i = 0; i <= order; ++i)
    for (int j = std::max(0, lowest - i); i + j <= order; ++j) {
      double const coefficient = c[static_cast<std::size_t>(i * (order + 1) + j)];
      if (coefficient != 0) header.set(fmt::format("{}_{}_{}", name, i, j), coefficient);
    }
}

}  // namespace

SipFit fit_sip(Wcs const& wcs, BoundingBox const& box, SipFitOptions const& options) {
  check_options(box, options);
  SipFit result;
  // nearbyint rounds half to even, as the reference does.
  auto const one_decimal = [](double value) { return std::nearbyint(value * 10) / 10; };
  result.crpix = options.crpix.value_or(
      PixelPoint{one_decimal(0.5 * (box.x_low + box.x_high)), one_decimal(0.5 * (box.y_low + box.y_high))});
  result.crval = wcs.pixel_to_sky(result.crpix);

  BoundingBox const unit{result.crpix.x, result.crpix.x + 1, result.crpix.y, result.crpix.y + 1};
  auto const corner = sample(wcs, unit, 2, result.crpix, result.crval);  // (0,0), (1,0), (0,1), (1,1)
  double const scale = std::sqrt(std::abs((corner.x[1] - corner.x[0]) * (corner.y[2] - corner.y[0]) -
                                          (corner.y[1] - corner.y[0]) * (corner.x[2] - corner.x[0])));

  auto const grid = sample(wcs, box, options.npoints, result.crpix, result.crval);
  auto const check = sample(wcs, box, 2 * options.npoints, result.crpix, result.crval);
  auto const forward = fit_to_tolerance(grid.u, grid.v, grid.x, grid.y, options.max_pix_error * scale, options.degree);
  result.tolerance_met = forward.tolerance_met;
  double forward_error = forward.error;
  if (forward.tolerance_met || options.degree)
    forward_error = std::max(forward_error, largest_distance(forward, check.u, check.v, check.x, check.y));
  result.max_error_pix = forward_error / scale;

  Eigen::Matrix2d cd;
  cd << forward.coefficient_f(1, 0), forward.coefficient_f(0, 1), forward.coefficient_g(1, 0),
      forward.coefficient_g(0, 1);
  Eigen::Matrix2d const inverse = cd.inverse();
  if (!inverse.allFinite())
    throw InputError({.what = "the SIP approximation cannot be fitted",
                      .where = fmt::format("WCS ({})", wcs.description()),
                      .expected = "two independent axes on the sky",
                      .found = "a singular scale matrix",
                      .remedy = "check the WCS of the exposure"});
  result.cd = {{{cd(0, 0), cd(0, 1)}, {cd(1, 0), cd(1, 1)}}};
  result.a_order = forward.degree;
  result.a.assign(forward.f.size(), 0);
  result.b.assign(forward.f.size(), 0);
  for (int i = 0; i <= forward.degree; ++i)
    for (int j = std::max(0, 2 - i); i + j <= forward.degree; ++j) {
      auto const k = static_cast<std::size_t>(i * (forward.degree + 1) + j);
      result.a[k] = inverse(0, 0) * forward.f[k] + inverse(0, 1) * forward.g[k];
      result.b[k] = inverse(1, 0) * forward.f[k] + inverse(1, 1) * forward.g[k];
    }

  if (options.max_inv_pix_error) {
    auto const linear = [&](Samples const& s, int row) -> Eigen::VectorXd {
      return inverse(row, 0) * s.x + inverse(row, 1) * s.y;
    };
    Eigen::VectorXd const U = linear(grid, 0), V = linear(grid, 1);
    auto const backward =
        fit_to_tolerance(U, V, grid.u - U, grid.v - V, *options.max_inv_pix_error, options.inv_degree);
    result.inverse_tolerance_met = backward.tolerance_met;
    result.max_inverse_error_pix = backward.error;
    if (backward.tolerance_met || options.inv_degree) {
      Eigen::VectorXd const Uc = linear(check, 0), Vc = linear(check, 1);
      result.max_inverse_error_pix =
          std::max(backward.error, largest_distance(backward, Uc, Vc, check.u - Uc, check.v - Vc));
    }
    result.ap_order = backward.degree;
    result.ap = backward.f;
    result.bp = backward.g;
  }
  return result;
}

void SipFit::write_to(model::Header& header) const {
  header.remove_if(is_replaced);
  bool const distorted = a_order > 1;
  header.set("WCSAXES", 2);
  header.set("CRPIX1", crpix.x + 1);
  header.set("CRPIX2", crpix.y + 1);
  header.set("CRVAL1", crval.ra);
  header.set("CRVAL2", crval.dec);
  header.set("CTYPE1", distorted ? "RA---TAN-SIP" : "RA---TAN");
  header.set("CTYPE2", distorted ? "DEC--TAN-SIP" : "DEC--TAN");
  header.set("CUNIT1", "deg");
  header.set("CUNIT2", "deg");
  header.set("CD1_1", cd[0][0]);
  header.set("CD1_2", cd[0][1]);
  header.set("CD2_1", cd[1][0]);
  header.set("CD2_2", cd[1][1]);
  header.set("RADESYS", "ICRS");
  header.set("LONPOLE", 180.0);
  header.set("LATPOLE", crval.dec);
  if (!distorted) return;
  header.set("A_ORDER", a_order);
  header.set("B_ORDER", a_order);
  write_coefficients(header, "A", a, a_order, 2);
  write_coefficients(header, "B", b, a_order, 2);
  header.set("SIPMXERR", max_error_pix);
  if (ap_order == 0) return;
  header.set("AP_ORDER", ap_order);
  header.set("BP_ORDER", ap_order);
  write_coefficients(header, "AP", ap, ap_order, 1);
  write_coefficients(header, "BP", bp, ap_order, 1);
  header.set("SIPIVERR", max_inverse_error_pix);
}

}  // namespace tessera::sky
