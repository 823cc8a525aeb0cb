"""Spack recipe of tessera. Written after Spack's packaging guide, but not yet run: there is no Spack where tessera is
developed. Use it from a repository of your own: docs/cluster.md, "Spack"."""
from spack.package import *


class Tessera(CMakePackage):
    """Mosaics of JWST imaging surveys: calibrated, aligned, level-matched and anchored, in one MPI job."""

    # The folder of a checkout: spack develop --path /path/to/tessera tessera@main
    version("main")

    variant("tests", default=False, description="Build the tests")
    variant("cuda", default=False, description="Device code through a Kokkos with CUDA")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("python@3.9:", type="build", when="+tests")

    depends_on("mpi@3.1:")
    depends_on("hdf5@1.10.8:+mpi")
    depends_on("cfitsio@4:+reentrant")
    depends_on("wcslib@7:")
    depends_on("clipper")
    depends_on("fftw@3.3:+mpi precision=float,double")
    depends_on("eigen@3.4:3")
    depends_on("kokkos@4.3:5+openmp", when="~cuda")
    depends_on("kokkos@4.3:5+cuda+wrapper", when="+cuda")
    depends_on("fmt@9:")
    depends_on("spdlog@1.10:+fmt_external")
    depends_on("tomlplusplus@3.3:")
    depends_on("nlohmann-json@3.11:")
    depends_on("yaml-cpp@0.7:")
    depends_on("cli11@2.1:")
    depends_on("libpng")
    depends_on("zlib-api")
    depends_on("bzip2")
    depends_on("lz4")
    depends_on("openssl")
    depends_on("googletest@1.12:+gmock", when="+tests")

    conflicts("%gcc@:11", msg="tessera is C++20 as g++ 12 knows it")

    generator("ninja")

    def cmake_args(self):
        args = [
            self.define_from_variant("TESSERA_TESTS", "tests"),
            self.define("TESSERA_HEADER_CHECK", False),
            self.define("TESSERA_MARCH", ""),  # Spack's compiler wrapper adds the target's flags
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CXX_COMPILER", self.spec["kokkos"].kokkos_cxx))
        return args
