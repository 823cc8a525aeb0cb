// A CRDS cache written by a test: one context, one instrument, the rules the test gives.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "support/test_files.hpp"
#include "tessera/refs/ref_selector.hpp"

namespace tessera::test {

inline void write_text(std::filesystem::path const& path, std::string const& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Text of a mapping with the checksum that belongs to it.
inline std::string mapping_text(std::string const& header, std::string const& selector) {
  std::string const head = "header = {\n" + header + "\n", tail = "}\n\nselector = " + selector + "\n";
  return head + "    'sha1sum' : '" + refs::mapping_checksum(head + tail) + "',\n" + tail;
}

inline std::string const DateKey = "('META.OBSERVATION.DATE', 'META.OBSERVATION.TIME')";

/// An rmap's text: names of the first selector's parameters, its rules, further header lines.
inline std::string rmap_text(std::string const& parameters, std::string const& rules, std::string const& more = "") {
  return mapping_text("    'parkey' : ((" + parameters + "), " + DateKey + "),\n" + more, "Match({\n" + rules + "})");
}

/// jwst_0001.pmap with MIRI; its types and their rules.
class SmallCache {
 public:
  explicit SmallCache(std::string const& name) : folder_(name) {
    write_text(mappings() / "jwst_0001.pmap",
               mapping_text("    'parkey' : ('META.INSTRUMENT.NAME',),", "{'MIRI' : 'jwst_miri_0001.imap'}"));
    write_instrument();
  }

  std::filesystem::path const& root() const { return folder_.path(); }
  std::filesystem::path mappings() const { return root() / "mappings/jwst"; }
  std::filesystem::path rmap(std::string const& type) const {
    return mappings() / ("jwst_miri_" + type + "_0001.rmap");
  }
  std::filesystem::path reference(std::string const& file) const { return root() / "references/jwst/miri" / file; }

  void add(std::string const& type, std::string const& text) {
    write_text(rmap(type), text);
    types_[type] = rmap(type).filename().string();
    write_instrument();
  }
  /// 'N/A' or 'OMIT' instead of rules.
  void say(std::string const& type, std::string const& value) {
    types_[type] = value;
    write_instrument();
  }

  refs::RefSelector selector() const { return refs::RefSelector(refs::CrdsCache(refs::CrdsFolders::below(root()))); }

 private:
  ScratchFolder folder_;
  std::map<std::string, std::string> types_;

  void write_instrument() const {
    std::string selector = "{";
    for (auto const& [type, value] : types_) selector += "'" + type + "' : '" + value + "', ";
    write_text(mappings() / "jwst_miri_0001.imap", mapping_text("    'parkey' : ('REFTYPE',),", selector + "}"));
  }
};

inline refs::ExposureParameters miri_exposure() {
  refs::ExposureParameters exposure;
  exposure.set("INSTRUME", "MIRI");
  exposure.set("DETECTOR", "MIRIMAGE");
  exposure.set("FILTER", "F770W");
  exposure.set("EXP_TYPE", "MIR_IMAGE");
  exposure.set("SUBARRAY", "FULL");
  exposure.set("DATE-OBS", "2022-07-06");
  exposure.set("TIME-OBS", "15:13:20.327");
  return exposure;
}

/// Sets a variable of the environment for the length of a test; null takes it away.
class WithEnvironment {
 public:
  WithEnvironment(char const* name, char const* value) : name_(name) {
    char const* old = std::getenv(name);
    had_ = old != nullptr;
    if (had_) old_ = old;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~WithEnvironment() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }
  WithEnvironment(WithEnvironment const&) = delete;
  WithEnvironment& operator=(WithEnvironment const&) = delete;

 private:
  char const* name_;
  bool had_ = false;
  std::string old_;
};

}  // namespace tessera::test
