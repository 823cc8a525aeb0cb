# Targets fftw3_mpi and fftw3f_mpi: FFTW over MPI in double and in single precision, with PkgConfig::fftw3 and
# PkgConfig::fftw3f below them. Debian has pkg-config files for FFTW, but none for its MPI flavour. Used by the build
# and, installed, by tesseraConfig.cmake; MPI and PkgConfig are found already.
foreach(fftw fftw3 fftw3f)
  if(TARGET ${fftw}_mpi)
    continue()
  endif()
  pkg_check_modules(${fftw} REQUIRED QUIET IMPORTED_TARGET ${fftw}>=3.3)
  string(TOUPPER ${fftw}_MPI_LIBRARY variable)
  find_library(${variable} NAMES ${fftw}_mpi HINTS ${${fftw}_LIBRARY_DIRS} REQUIRED)
  add_library(${fftw}_mpi INTERFACE IMPORTED)
  set_property(TARGET ${fftw}_mpi PROPERTY INTERFACE_LINK_LIBRARIES ${${variable}} PkgConfig::${fftw} MPI::MPI_CXX)
endforeach()
