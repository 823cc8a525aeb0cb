#include "tessera/io/fits_content.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "support/test_files.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {
namespace {

std::string bytes_of(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// More pixels than are turned into bytes at once, and no multiple of that.
constexpr std::int64_t Width = 701, Height = 523;

struct Planes {
  std::vector<float> sci = std::vector<float>(Width * Height);
  std::vector<std::uint32_t> dq = std::vector<std::uint32_t>(Width * Height);
  Planes() {
    for (std::size_t k = 0; k < sci.size(); ++k) {
      sci[k] = 0.5f * static_cast<float>(k) - 7;
      dq[k] = static_cast<std::uint32_t>(k * 2654435761u);
    }
  }
};

TEST(FitsContent, ReadsBackAsItWasAdded) {
  test::ScratchFolder const folder("fits_content");
  Planes const planes;
  model::Header primary, sci;
  primary.set("TELESCOP", "JWST");
  sci.set("BUNIT", "DN/s");
  FitsContent content(primary);
  content.add_image("SCI", "data", Width, Height, std::span(planes.sci), sci);
  content.add_image("DQ", "dq", Width, Height, std::span(planes.dq));
  content.add_image("MODEL", "", Width, Height, std::span(planes.sci));
  content.add_datamodel(AsdfValue::mapping({{"note", "a test"}}), nullptr);
  auto const path = folder.path() / "made" / "by" / "it.fits";
  content.write(path);

  auto const file = FitsFile::open(path);
  ASSERT_EQ(file.hdus().size(), 5u);
  EXPECT_EQ(file.hdus()[0].header.text("TELESCOP"), "JWST");
  EXPECT_EQ(file.require("SCI").header.text("BUNIT"), "DN/s");
  std::vector<float> found(planes.sci.size());
  file.read_rows(file.require("SCI"), 0, Height, found.data());
  EXPECT_EQ(found, planes.sci);
  std::vector<std::uint32_t> flags(planes.dq.size());
  file.read_rows(file.require("DQ"), 0, Height, flags.data());
  EXPECT_EQ(flags, planes.dq);
  auto const document = AsdfDocument::parse(file.read_data(file.require("ASDF")), "it.fits[ASDF]");
  EXPECT_EQ(*document.at("meta.note").string(), "a test");
  EXPECT_EQ(AsdfDocument::fits_source(document.at("data")), "SCI,1");
  EXPECT_EQ(AsdfDocument::fits_source(document.at("dq")), "DQ,1");
  EXPECT_EQ(*document.at("dq.datatype").string(), "uint32");
}

TEST(FitsContent, HasTheBytesOfAFileWrittenFromMemory) {
  test::ScratchFolder const folder("fits_content_bytes");
  Planes const planes;
  FitsContent content({});
  content.add_image("SCI", "data", Width, Height, std::span(planes.sci));
  content.add_image("DQ", "dq", Width, Height, std::span(planes.dq));
  content.write(folder.path() / "pieces.fits");

  std::vector<HduPlan> plans(3);
  std::vector<std::vector<std::byte>> data(3);
  for (std::size_t k : {1, 2}) {
    plans[k].extname = k == 1 ? "SCI" : "DQ";
    plans[k].bitpix = k == 1 ? -32 : 32;
    plans[k].unsigned_integers = k == 2;
    plans[k].axes = {Width, Height};
    data[k].resize(planes.sci.size() * 4);
  }
  to_big_endian(planes.sci, data[1].data());
  to_big_endian_unsigned(planes.dq, data[2].data());
  write_fits(folder.path() / "whole.fits", plans, data);
  EXPECT_TRUE(bytes_of(folder.path() / "pieces.fits") == bytes_of(folder.path() / "whole.fits"));
}

TEST(FitsContent, RefusesAnImageOfAnotherSizeAndAFolderThatCannotBe) {
  test::ScratchFolder const folder("fits_content_refused");
  Planes const planes;
  FitsContent content({});
  EXPECT_THROW(content.add_image("SCI", "data", Width, Height + 1, std::span(planes.sci)), ContractViolation);
  std::ofstream(folder.path() / "file") << "in the way";
  EXPECT_THROW(content.write(folder.path() / "file" / "a.fits"), IoError);
}

}  // namespace
}  // namespace tessera::io
