#include "tessera/pipeline/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/steps/resample/mosaic_quicklook.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

constexpr char const* Style =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #ddd}"
    "table{border-collapse:collapse}td,th{padding:.25em .8em;border-bottom:1px solid #eee;text-align:right}"
    "td:first-child,th:first-child{text-align:left}.good{color:#176b2c}.bad{color:#a3210d}"
    ".pictures{display:flex;flex-wrap:wrap;gap:1em}.pictures figure{margin:0;max-width:500px}.pictures "
    "img{max-width:100%}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto}code{font-size:.92em}";

std::string escape(std::string const& text) {
  std::string out;
  for (char const c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

char const* in_words(ExitStatus status) {
  switch (status) {
    case ExitStatus::Complete:
      return "complete";
    case ExitStatus::Incomplete:
      return "finished, but something was quarantined or failed (see below)";
    case ExitStatus::Resumable:
      return "stopped early on request; run the same command again to go on";
    default:
      return "failed";
  }
}

std::string relative_link(fs::path const& page, fs::path const& to) {
  std::error_code error;
  auto const relative = fs::relative(to, page.parent_path(), error);
  return escape(error || relative.empty() ? to.string() : relative.string());
}

std::string mosaics_section(fs::path const& page, RunPlan const& plan) {
  std::string html = "<h2>Mosaics</h2>";
  for (auto const& mosaic : plan.mosaics) {
    auto const fits = steps::i2d_path(mosaic);
    html += fmt::format(
        "<h3>{}</h3><p><a href=\"{}\"><code>{}</code></a>: {} &times; {} pixels of {:.4f}&Prime;, {} exposures</p>",
        escape(fits.stem().string()), relative_link(page, fits), escape(fits.string()), mosaic.grid.nx, mosaic.grid.ny,
        mosaic.grid.cdelt[0] * 3600, mosaic.request.members.size());
    html += "<div class=pictures>";
    for (auto const& picture : steps::quicklook_paths(mosaic)) {
      if (fs::exists(picture))
        html += fmt::format(
            "<figure><a href=\"{0}\"><img src=\"{0}\" alt=\"{1}\"></a><figcaption>{1}</figcaption></figure>",
            relative_link(page, picture), escape(picture.filename().string()));
    }
    html += "</div>";
  }
  return html;
}

/// How sharp the stars of the mosaics are, before and after they were aligned to the sky and drizzled again.
std::string sharpness_section(RunPlan const& plan) {
  std::string rows;
  for (auto const& work : plan.request.mosaic_steps) {
    auto const path = fs::path(work.task.root) += "_astro_cat.json";
    if (work.step->name != "astrometric_catalog" || !fs::exists(path)) continue;
    std::ifstream stream(path);
    auto const stars = nlohmann::json::parse(stream, nullptr, false);
    // Half written by a run that was killed (the next makes it again), or a mosaic without stars.
    if (!stars.is_object() || !stars.contains("fwhm_median_arcsec") || !stars["fwhm_median_arcsec"].is_number())
      continue;
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.4f}&Prime;</td></tr>",
                        escape(work.task.mosaic.filename().string()), stars.value("stars", 0),
                        stars["fwhm_median_arcsec"].get<double>());
  }
  return rows.empty() ? ""
                      : "<h2>Sharpness</h2><table><tr><th>mosaic</th><th>stars</th><th>median FWHM</th></tr>" + rows +
                            "</table>";
}

/// Tables and plots that the ledger steps left in their folders.
std::string corrections_section(fs::path const& page, RunPlan const& plan) {
  std::string html;
  for (auto const& planned : plan.request.steps)
    for (auto const& work : planned.bands) {
      std::vector<fs::path> tables, pictures;
      std::error_code error;
      for (auto item = fs::recursive_directory_iterator(work.products, error);
           !error && item != fs::recursive_directory_iterator(); item.increment(error)) {
        // lv3's folder also holds the mosaics, which have a section of their own.
        if (!item->path().filename().string().starts_with(planned.step->name)) continue;
        if (item->path().extension() == ".csv") tables.push_back(item->path());
        if (item->path().extension() == ".png") pictures.push_back(item->path());
      }
      if (tables.empty() && pictures.empty()) continue;
      std::sort(tables.begin(), tables.end());
      std::sort(pictures.begin(), pictures.end());
      html += fmt::format("<h3>{}: {} {}</h3><p>", planned.step->name, escape(work.target), escape(work.band.name));
      for (auto const& table : tables)
        html += fmt::format("<a href=\"{}\"><code>{}</code></a> ", relative_link(page, table),
                            escape(table.filename().string()));
      html += "</p><div class=pictures>";
      for (auto const& picture : pictures)
        html += fmt::format(
            "<figure><a href=\"{0}\"><img src=\"{0}\" alt=\"{1}\"></a><figcaption>{1}</figcaption></figure>",
            relative_link(page, picture), escape(picture.stem().string()));
      html += "</div>";
    }
  return html.empty() ? "" : "<h2>Corrections</h2>" + html;
}

std::string list_section(std::string const& title, std::vector<std::string> const& lines) {
  if (lines.empty()) return "";
  std::string html = "<h2>" + title + "</h2><ul>";
  for (auto const& line : lines) html += "<li>" + escape(line) + "</li>";
  return html + "</ul>";
}

std::string timing_section(std::vector<StepTiming> const& timing) {
  std::string html =
      "<h2>Time and memory</h2><table><tr><th>step</th><th>time</th><th>busy (mean)</th><th>items</th><th>read</th>"
      "<th>written</th><th>peak a rank</th><th>imbalance</th></tr>";
  for (auto const& row : timing)
    html += fmt::format(
        "<tr><td>{}</td><td>{:.2f} s</td><td>{:.2f} "
        "s</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.3f}</td></tr>",
        row.step, row.wall_s, row.busy_mean_s, row.items, format_bytes(row.bytes_read), format_bytes(row.bytes_written),
        format_bytes(row.peak_memory), row.imbalance);
  return html + "</table>";
}

}  // namespace

void write_report(fs::path const& path, RunPlan const& plan, std::vector<StepTiming> const& timing,
                  std::vector<parallel::Failure> const& failures, ExitStatus status) {
  std::vector<std::string> failed, quarantined, notes = plan.request.warnings;
  for (auto const& failure : failures) failed.push_back(failure.item + ": " + failure.message);
  for (auto const& broken : plan.request.inventory.broken) quarantined.push_back(broken.text);
  for (auto const& note : plan.request.inventory.notes) notes.push_back(note.path + ": " + note.text);
  auto const& facts = build_facts();
  std::string const html =
      fmt::format(
          "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
          "<title>tessera report</title><style>{}</style><h1>tessera report</h1><p>This run is <b class={}>{}</b>.</p>",
          Style, status == ExitStatus::Complete ? "good" : "bad", in_words(status)) +
      list_section("Failed", failed) + list_section("Quarantined exposures", quarantined) +
      mosaics_section(path, plan) + sharpness_section(plan) + corrections_section(path, plan) + timing_section(timing) +
      list_section("Notes", notes) +
      fmt::format("<h2>Made by</h2><p>tessera {} ({}), {}, {}</p>", facts.version, facts.commit, facts.compiler,
                  facts.flags) +
      (plan.request.configuration_json.empty() ? ""
                                               : "<details><summary>Configuration</summary><pre>" +
                                                     escape(plan.request.configuration_json) + "</pre></details>") +
      "</html>\n";
  io::write_file(path, html);
}

}  // namespace tessera::pipeline
