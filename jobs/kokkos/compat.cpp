// The few symbols of a newer libc and libstdc++ that Debian's Kokkos asks for, for Debian 12 (see get-kokkos.sh).
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <iostream>  // its static object starts the streams before the library's own initialisers run
#include <memory>
#include <string>

extern "C" long strtol_c23(char const* text, char** end, int base) __asm__("__isoc23_strtol");
long strtol_c23(char const* text, char** end, int base) { return std::strtol(text, end, base); }

void library_init() __asm__("_ZSt21ios_base_library_initv");
void library_init() {}

void replace_cold(
    std::string*, char* at, std::size_t old_length, char const* from, std::size_t length,
    std::size_t tail) __asm__("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE15_M_replace_coldEPcmPKcmm");
void replace_cold(std::string*, char* at, std::size_t old_length, char const* from, std::size_t length,
                  std::size_t tail) {
  std::unique_ptr<char[]> keep(new char[length ? length : 1]);  // the source may lie inside the string itself
  std::memcpy(keep.get(), from, length);
  if (tail && old_length != length) std::memmove(at + length, at + old_length, tail);
  std::memcpy(at, keep.get(), length);
}
