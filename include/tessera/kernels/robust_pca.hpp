// Robust incremental principal components of incomplete vectors (Budavari et al. 2009, MNRAS 394, 1496).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tessera::kernels {

struct RobustPcaOptions {
  int components = 50;
  int passes = 3;            ///< over all vectors, in the order given
  double scale2 = 0.619369;  ///< c^2 of rho(t) = 2 / pi atan(pi t / (2 c^2)), t = (residual / scale)^2: 0.787^2
  double breakdown = 0.5;    ///< delta: part of the vectors that may be outliers
};

/// What vectors have in common.
struct PrincipalComponents {
  std::int64_t length = 0;
  std::vector<double> mean;                  ///< [length]
  std::vector<std::vector<double>> vectors;  ///< orthonormal, each [length], strongest first
  std::vector<double> variances;             ///< of the scores of the vectors given
  double noise = 0;                          ///< variance of what all components leave, a value
};

/// Components of `count` vectors [count][length]; `known` (likewise) is 0 where a vector has no value, and what
/// `values` has there (finite) is only used to begin with. At most count - 1 components come back. Starts from those of
/// all vectors made equally long about their medians (orthogonal iteration), then each vector in turn moves mean and
/// components with a weight that falls with what they leave of it, the past being forgotten by 1 - 1 / count a vector;
/// gaps are filled from the components of the moment. The same bits every time.
PrincipalComponents find_robust_components(std::span<double const> values, std::span<std::uint8_t const> known,
                                           std::int64_t count, std::int64_t length, RobustPcaOptions const& options);

}  // namespace tessera::kernels
