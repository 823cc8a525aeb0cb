// Proves an installed Kokkos: fill a view in parallel, sum it, compare with the sum known by hand.
#include <Kokkos_Core.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  Kokkos::initialize(argc, argv);
  double sum = 0;
  {
    Kokkos::View<double**> table("table", 1000, 100);
    Kokkos::parallel_for(
        "fill", Kokkos::MDRangePolicy<Kokkos::Rank<2>>({0, 0}, {1000, 100}),
        KOKKOS_LAMBDA(int i, int j) { table(i, j) = i + j; });
    Kokkos::parallel_reduce(
        "sum", 1000,
        KOKKOS_LAMBDA(int i, double& part) {
          for (int j = 0; j < 100; ++j) part += table(i, j);
        },
        sum);
  }
  std::printf("Kokkos %d, %s: %.0f\n", KOKKOS_VERSION, Kokkos::DefaultExecutionSpace::name(), sum);
  Kokkos::finalize();
  return sum == 54900000.0 ? 0 : 1;
}
