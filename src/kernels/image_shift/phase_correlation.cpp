#include "phase_correlation.hpp"

#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

namespace tessera::kernels {

namespace {

constexpr std::int64_t LeastSide = 16;
constexpr double LeastPart = 0.3;         ///< of the pixels that have data
constexpr std::int64_t LeastAround = 40;  ///< pixels to either side that the scatter of the correlation is taken from
constexpr double LowPass = 0.2;           ///< cycles a pixel: width of the Gaussian that the phases see
constexpr double NoiseBeyond = 0.15;      ///< cycles a pixel: most of the spectrum is noise there

struct FreeFftw {
  void operator()(void* memory) const { fftw_free(memory); }
};
template <class T>
using FftwArray = std::unique_ptr<T[], FreeFftw>;

template <class T>
FftwArray<T> allocate(std::int64_t count) {
  return FftwArray<T>(static_cast<T*>(fftw_malloc(static_cast<std::size_t>(count) * sizeof(T))));
}

/// A plan of the ESTIMATE kind: measured ones change the bits from run to run.
class Plan {
 public:
  explicit Plan(fftw_plan plan) : plan_(plan) {}
  ~Plan() { fftw_destroy_plan(plan_); }
  Plan(Plan const&) = delete;
  Plan& operator=(Plan const&) = delete;
  void execute() const { fftw_execute(plan_); }

 private:
  fftw_plan plan_;
};

/// The next even length without large prime factors.
std::int64_t fast_length(std::int64_t length) {
  for (std::int64_t n = length + length % 2;; n += 2) {
    std::int64_t rest = n;
    for (int const factor : {2, 3, 5, 7})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return n;
  }
}

/// Standard deviation of the Gaussian mean that is taken off: holes and edges must not stand out, or they correlate
/// with those of the other image.
constexpr double LocalMean = 12;  // pixels
/// Values beyond so many robust standard deviations are compressed (asinh): one bright star is not to speak for all.
constexpr double Compression = 3;

/// Gaussian mean along rows of `length` values at `stride`, of `lines` lines `line_stride` apart; zero outside.
void blur_lines(std::vector<double>& values, std::int64_t lines, std::int64_t line_stride, std::int64_t length,
                std::int64_t stride) {
  auto const reach = static_cast<std::int64_t>(2.5 * LocalMean);
  std::vector<double> kernel(static_cast<std::size_t>(reach + 1)), line(static_cast<std::size_t>(length));
  for (std::int64_t k = 0; k <= reach; ++k)
    kernel[static_cast<std::size_t>(k)] = std::exp(-0.5 * static_cast<double>(k * k) / (LocalMean * LocalMean));
  for (std::int64_t j = 0; j < lines; ++j) {
    double* const first = values.data() + j * line_stride;
    for (std::int64_t i = 0; i < length; ++i) line[static_cast<std::size_t>(i)] = first[i * stride];
    for (std::int64_t i = 0; i < length; ++i) {
      double sum = kernel[0] * line[static_cast<std::size_t>(i)];
      for (std::int64_t k = 1; k <= reach; ++k) {
        double const left = i >= k ? line[static_cast<std::size_t>(i - k)] : 0;
        double const right = i + k < length ? line[static_cast<std::size_t>(i + k)] : 0;
        sum += kernel[static_cast<std::size_t>(k)] * (left + right);
      }
      first[i * stride] = sum;
    }
  }
}

/// Middle value (of an even number the upper one); 0 of none. Reorders.
double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double hann(std::int64_t index, std::int64_t length) {
  return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (static_cast<double>(index) + 0.5) / static_cast<double>(length));
}

/// The piece less its local mean over pixels with data, compressed, 0 where there are none, under the window, in an
/// array [height][width] of zeros. The holes are its own: those of the other image are elsewhere on the sky.
void fill(double* to, std::int64_t width, float const* image, std::int64_t nx, ImagePiece const& piece) {
  auto const count = static_cast<std::size_t>(piece.width() * piece.height());
  std::vector<double> sum(count, 0), weight(count, 0);
  for (std::int64_t y = 0; y < piece.height(); ++y)
    for (std::int64_t x = 0; x < piece.width(); ++x) {
      float const value = image[(y + piece.y0) * nx + x + piece.x0];
      if (!std::isfinite(value)) continue;
      sum[static_cast<std::size_t>(y * piece.width() + x)] = static_cast<double>(value);
      weight[static_cast<std::size_t>(y * piece.width() + x)] = 1;
    }
  for (auto* values : {&sum, &weight}) {
    blur_lines(*values, piece.height(), piece.width(), piece.width(), 1);
    blur_lines(*values, piece.width(), 1, piece.height(), piece.width());
  }
  std::vector<double> sizes;
  for (std::int64_t y = 0; y < piece.height(); ++y)
    for (std::int64_t x = 0; x < piece.width(); ++x) {
      float const value = image[(y + piece.y0) * nx + x + piece.x0];
      auto const k = static_cast<std::size_t>(y * piece.width() + x);
      if (!std::isfinite(value)) continue;
      to[y * width + x] = static_cast<double>(value) - sum[k] / weight[k];
      sizes.push_back(std::abs(to[y * width + x]));
    }
  double const scale = Compression * 1.4826 * median(sizes);
  for (std::int64_t y = 0; y < piece.height(); ++y)
    for (std::int64_t x = 0; x < piece.width(); ++x) {
      auto& value = to[y * width + x];
      if (scale > 0) value = scale * std::asinh(value / scale);
      value *= hann(x, piece.width()) * hann(y, piece.height());
    }
}

double frequency(std::int64_t index, std::int64_t length) {
  return static_cast<double>(index <= length / 2 ? index : index - length) / static_cast<double>(length);
}

/// Phases of the cross spectrum, as far as they stand out of the noise; scaled to sum 1.
void whiten(std::complex<double>* cross, std::int64_t height, std::int64_t width) {
  std::int64_t const half = width / 2 + 1;
  std::vector<double> noise;
  for (std::int64_t v = 0; v < height; ++v)
    for (std::int64_t u = 0; u < half; ++u)
      if (std::hypot(frequency(u, width), frequency(v, height)) > NoiseBeyond)
        noise.push_back(std::abs(cross[v * half + u]));
  double const level = 3 * median(noise);
  double sum = 0;
  for (std::int64_t v = 0; v < height; ++v)
    for (std::int64_t u = 0; u < half; ++u) {
      auto& value = cross[v * half + u];
      double const power = std::abs(value);
      double const f = std::hypot(frequency(u, width), frequency(v, height));
      if (power > 0) value *= power / (power * power + level * level) * std::exp(-0.5 * (f / LowPass) * (f / LowPass));
      sum += std::abs(value) * (u == 0 || 2 * u == width ? 1 : 2);
    }
  if (sum > 0)
    for (std::int64_t k = 0; k < height * half; ++k) cross[k] /= sum;
}

/// Vertex of the parabola through three values, -0.5 to 0.5 about the middle one.
double vertex(double before, double at, double after) {
  double const curvature = before - 2 * at + after;
  return curvature < 0 ? std::clamp(0.5 * (before - after) / curvature, -0.5, 0.5) : 0;
}

}  // namespace

std::optional<CorrelationPeak> correlate_piece(float const* first, float const* second, std::int64_t nx,
                                               ImagePiece const& piece, double search) {
  if (piece.width() < LeastSide || piece.height() < LeastSide) return std::nullopt;
  std::int64_t count = 0;
  for (auto y = piece.y0; y < piece.y1; ++y)
    for (auto x = piece.x0; x < piece.x1; ++x)
      count += std::isfinite(first[y * nx + x]) && std::isfinite(second[y * nx + x]);
  if (static_cast<double>(count) < LeastPart * static_cast<double>(piece.width() * piece.height())) return std::nullopt;

  auto const width = fast_length(piece.width()), height = fast_length(piece.height()), half = width / 2 + 1;
  auto const image = allocate<double>(width * height);
  auto const a = allocate<std::complex<double>>(half * height), b = allocate<std::complex<double>>(half * height);
  for (auto const* target : {&a, &b}) {
    Plan const forward(fftw_plan_dft_r2c_2d(static_cast<int>(height), static_cast<int>(width), image.get(),
                                            reinterpret_cast<fftw_complex*>(target->get()), FFTW_ESTIMATE));
    std::fill_n(image.get(), width * height, 0.0);
    fill(image.get(), width, target == &a ? first : second, nx, piece);
    forward.execute();
  }
  for (std::int64_t k = 0; k < half * height; ++k) a[k] = std::conj(a[k]) * b[k];
  whiten(a.get(), height, width);
  Plan const backward(fftw_plan_dft_c2r_2d(static_cast<int>(height), static_cast<int>(width),
                                           reinterpret_cast<fftw_complex*>(a.get()), image.get(), FFTW_ESTIMATE));
  backward.execute();

  auto const reach_x = std::min(static_cast<std::int64_t>(std::ceil(search)), piece.width() / 3);
  auto const reach_y = std::min(static_cast<std::int64_t>(std::ceil(search)), piece.height() / 3);
  auto const at = [&](std::int64_t dy, std::int64_t dx) {
    return image[((dy + height) % height) * width + (dx + width) % width];
  };
  std::int64_t best_x = 0, best_y = 0;
  double highest = at(0, 0);
  for (auto dy = -reach_y; dy <= reach_y; ++dy)
    for (auto dx = -reach_x; dx <= reach_x; ++dx) {
      if (at(dy, dx) <= highest) continue;
      highest = at(dy, dx);
      best_x = dx;
      best_y = dy;
    }
  // The scatter is that of a wider area: in a small search the peak itself would be most of it.
  auto const around_x = std::clamp(3 * reach_x, std::min(LeastAround, width / 2 - 1), width / 2 - 1);
  auto const around_y = std::clamp(3 * reach_y, std::min(LeastAround, height / 2 - 1), height / 2 - 1);
  std::vector<double> values;
  for (auto dy = -around_y; dy <= around_y; ++dy)
    for (auto dx = -around_x; dx <= around_x; ++dx) values.push_back(at(dy, dx));
  double const mean = median(values);
  for (auto& value : values) value = std::abs(value - mean);
  double const scatter = 1.4826 * median(values);
  CorrelationPeak peak;
  peak.x = static_cast<double>(best_x) + vertex(at(best_y, best_x - 1), highest, at(best_y, best_x + 1));
  peak.y = static_cast<double>(best_y) + vertex(at(best_y - 1, best_x), highest, at(best_y + 1, best_x));
  peak.significance = scatter > 0 ? (highest - mean) / scatter : 0;
  return peak;
}

std::int64_t correlation_bytes(std::int64_t ny, std::int64_t nx) {
  // The image, two half spectra, and the moduli of one of them, or sums and weights of the local mean.
  return (8 + 16 + 16) * fast_length(nx) * fast_length(ny);
}

}  // namespace tessera::kernels
