// Running filters and gaps (spec 40, P5 and P6) against their definitions, and in the row filter of pj_row_median.json.
#include "tessera/kernels/running_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "row_median_vector.hpp"
#include "support/test_files.hpp"
#include "support/vector_noise.hpp"
#include "tessera/core/error.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera {
namespace {

using kernels::ExtendMode;
using Line = std::vector<double>;

std::vector<std::pair<char const*, std::string>> const extended{// three values beyond either end of a b c d
                                                                {"reflect", "cba abcd dcb"},
                                                                {"nearest", "aaa abcd ddd"},
                                                                {"mirror", "dcb abcd cba"},
                                                                {"constant", "000 abcd 000"},
                                                                {"wrap", "bcd abcd abc"}};

TEST(RunningMedian, ExtendsLinesAsNamed) {
  auto const value_of = [](char letter) { return letter == '0' ? 0.0 : letter - 'a' + 1.0; };
  Line const in{1, 2, 3, 4};
  for (auto const& [name, text] : extended) {
    Line line;
    for (char const letter : text)
      if (letter != ' ') line.push_back(value_of(letter));
    Line median(4), mean(4);
    auto const mode = kernels::parse_extend_mode(name);
    kernels::running_median(std::span<double const>(in), 7, mode, median);
    kernels::running_mean(std::span<double const>(in), 7, mode, mean);
    for (std::size_t k = 0; k < 4; ++k) {
      Line window(line.begin() + static_cast<std::ptrdiff_t>(k), line.begin() + static_cast<std::ptrdiff_t>(k) + 7);
      double sum = 0;
      for (double const v : window) sum += v;
      std::sort(window.begin(), window.end());
      EXPECT_EQ(median[k], window[3]) << name << " " << k;
      EXPECT_NEAR(mean[k], sum / 7, 1e-15) << name << " " << k;
    }
  }
  EXPECT_THROW(kernels::parse_extend_mode("around"), ConfigError);
}

TEST(RunningMedian, IsTheMedianOfEveryWindow) {
  test::VectorNoise random(11);
  for (int const n : {1, 2, 5, 40, 300})
    for (int const window : {1, 3, 9, 101, 2 * n + 1}) {
      std::vector<float> in;
      for (int k = 0; k < n; ++k) in.push_back(static_cast<float>(std::round(8 * random.deviate()) / 8));  // with ties
      std::vector<float> out(in.size());
      kernels::running_median(std::span<float const>(in), window, ExtendMode::Nearest, out);
      for (int k = 0; k < n; ++k) {
        std::vector<float> values;
        for (int i = k - window / 2; i <= k + window / 2; ++i)
          values.push_back(in[static_cast<std::size_t>(std::clamp(i, 0, n - 1))]);
        EXPECT_EQ(out[static_cast<std::size_t>(k)], kernels::median_in_place(std::span(values))) << n << " " << window;
      }
    }
}

TEST(RunningMedian, WrapsAroundMoreThanOnce) {
  Line const in{1, 5};
  Line out(2);
  kernels::running_median(std::span<double const>(in), 9, ExtendMode::Wrap, out);
  EXPECT_EQ(out, (Line{1, 5}));  // 1 5 1 5 [1] 5 1 5 1
  kernels::running_median(std::span<double const>(in), 9, ExtendMode::Reflect, out);
  EXPECT_EQ(out, (Line{1, 5}));  // 1 5 5 1 [1] 5 5 1 1: five ones
}

TEST(FillGaps, InterpolatesAndHoldsTheEnds) {
  Line line{NAN, NAN, 1, NAN, NAN, 4, INFINITY, 2, NAN};
  kernels::fill_gaps(line);
  EXPECT_EQ(line, (Line{1, 1, 1, 2, 3, 4, 3, 2, 2}));
  Line none{NAN, NAN};
  kernels::fill_gaps(none);
  EXPECT_TRUE(std::isnan(none[0]) && std::isnan(none[1]));
  std::vector<float> floats{1, NAN, 2};
  kernels::fill_gaps(floats);
  EXPECT_EQ(floats, (std::vector<float>{1, 1.5f, 2}));
}

/// The row filter of spec 40, 1.5: it is made of medians, P5 and P6.
std::vector<Line> filter_rows_plainly(Line const& image, std::vector<std::uint8_t> const& mask, int amplifiers,
                                      std::vector<int> const& scales, double least) {
  constexpr int N = test::RowMedianSide;
  int const width = N / amplifiers;
  std::vector<Line> model(static_cast<std::size_t>(amplifiers), Line(N, 0.0));
  for (int q = 0; q < amplifiers; ++q) {
    Line data = image;
    for (int const scale : scales) {
      auto const median = [&](int y, int x0, int x1, std::size_t* count) {
        Line values;
        for (int x = x0; x < x1; ++x)
          if (!mask[static_cast<std::size_t>(y * N + x)]) values.push_back(data[static_cast<std::size_t>(y * N + x)]);
        if (count) *count = values.size();
        return kernels::median_in_place(values);
      };
      Line rows, smooth(N);
      for (int y = 0; y < N; ++y) {
        std::size_t count = 0;
        rows.push_back(median(y, q * width, (q + 1) * width, &count));
        if (amplifiers > 1 && static_cast<double>(count) < least * width) rows.back() = median(y, 0, N, nullptr);
      }
      kernels::fill_gaps(rows);
      kernels::running_median(std::span<double const>(rows), scale, ExtendMode::Reflect, smooth);
      for (int y = 0; y < N; ++y) {
        double const noise = rows[static_cast<std::size_t>(y)] - smooth[static_cast<std::size_t>(y)];
        model[static_cast<std::size_t>(q)][static_cast<std::size_t>(y)] += noise;
        for (int x = 0; x < N; ++x) data[static_cast<std::size_t>(y * N + x)] -= noise;
      }
    }
  }
  return model;
}

TEST(RunningMedian, GivesTheRowFilterOfTheVector) {
  auto const vector = test::read_vector("pj_row_median.json");
  auto const& expected = vector["median_filter"];
  auto const image = test::make_row_median_input();
  auto const mask = test::make_row_median_mask(vector);
  EXPECT_NEAR(image[10 * 64 + 15], vector["input"]["samples"][1][2].get<double>(), 1e-11);
  auto const scales = expected["filter_scales"].get<std::vector<int>>();
  auto const rows = expected["rows"].get<std::vector<std::size_t>>();
  auto const model = filter_rows_plainly(image, mask, 4, scales, expected["min_mask_frac"]);
  for (std::size_t q = 0; q < 4; ++q)
    for (std::size_t k = 0; k < rows.size(); ++k)
      EXPECT_NEAR(model[q][rows[k]], expected["model_recommended"][q][k].get<double>(), 1e-9) << q << " " << rows[k];

  auto const& plain = vector["median_filter_noquad"];
  auto const whole = filter_rows_plainly(image, mask, 1, scales, 0);
  double sum_abs = 0;
  for (double const v : whole[0]) sum_abs += std::abs(v);
  EXPECT_NEAR(sum_abs, plain["sum_abs"].get<double>(), 1e-9);
  auto const at = plain["rows"].get<std::vector<std::size_t>>();
  for (std::size_t k = 0; k < at.size(); ++k)
    EXPECT_NEAR(whole[0][at[k]], plain["model"][k].get<double>(), 1e-9) << at[k];
}

}  // namespace
}  // namespace tessera
