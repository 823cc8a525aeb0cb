// Headers for the WCS tests: from lists of cards, text files and, read card by card without the io module, FITS files.
#pragma once
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tessera/model/header.hpp"

namespace tessera::test {

inline model::Header header_of(std::vector<std::string> const& lines) {
  std::vector<model::Card> cards;
  for (auto line : lines) {
    line.resize(80, ' ');
    cards.push_back({line});
  }
  return model::Header(std::move(cards));
}

/// A header kept as a text file, one card a line.
inline model::Header read_header_text(std::filesystem::path const& path) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot open " + path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    if (!line.empty() && !line.starts_with("END ") && line != "END") lines.push_back(line);
  return header_of(lines);
}

/// Cards of HDU 0, or of HDU 1 behind a primary without data.
inline model::Header read_fits_header(std::filesystem::path const& path, int hdu) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::string> lines;
  std::string block(2880, ' ');
  for (int number = 0; stream.read(block.data(), 2880);)
    for (std::size_t card = 0; card < 36; ++card) {
      auto const line = block.substr(80 * card, 80);
      if (line.starts_with("END     ")) {
        if (number == hdu) return header_of(lines);
        ++number;
        lines.clear();
        break;
      }
      lines.push_back(line);
    }
  throw std::runtime_error("no such HDU in " + path.string());
}

}  // namespace tessera::test
