#include "tessera/pipeline/report.hpp"

#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "html.hpp"
#include "report_view.hpp"
#include "tessera/compute/session.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// Nothing comes from elsewhere and nothing runs: a browser is told to refuse both.
constexpr char const* Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

constexpr char const* Style =
    R"(body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:1.5em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.5em}h2{font-size:1.25em;margin-top:2em;border-bottom:1px solid #ccc}
h3{font-size:1.1em;margin-top:1.5em}h4{font-size:1em;margin:1em 0 .3em}
.wide{overflow-x:auto}.wide td,.wide tbody th{white-space:nowrap}.wide td:last-child{white-space:normal;min-width:7em}
.wide .bad{white-space:normal;display:inline-block;max-width:12em}
table{border-collapse:collapse;margin:.4em 0}
td,th{padding:.2em .7em;border-bottom:1px solid #e4e4e4;text-align:right;font-weight:normal;vertical-align:top}
thead th{font-weight:600;border-bottom:1px solid #999}td:first-child,th:first-child{text-align:left}
.good{color:#176b2c}.bad{color:#a3210d;font-weight:600}.faint{color:#666}
code{font-size:.92em;overflow-wrap:anywhere}pre{background:#f6f6f6;padding:1em;overflow:auto}li{overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start}figure{margin:0;max-width:100%}
figcaption{font-size:.85em;color:#444;max-width:440px;overflow-wrap:anywhere}img{max-width:100%;height:auto;display:block}
.drawing{display:block;width:440px;max-width:100%;height:auto;font:12px system-ui,sans-serif}
.drawing text{fill:#333}.frame{fill:none;stroke:#999}.bar{fill:#5b7fa6}.zero{stroke:#bbb}
.curve{fill:none;stroke:#27476b;stroke-width:.8}.unused{stroke:#bbb;stroke-dasharray:3 3;fill:none}
.edge{fill:none;stroke-width:1.5}.shade0{stroke:#a9c4de}.shade1{stroke:#7fa3c6}.shade2{stroke:#5b7fa6}.shade3{stroke:#3a5b80}
.shade4{stroke:#16304d}.node,.before,.after{stroke-linecap:round;stroke:#111;stroke-width:4}.before{stroke:#aaa}
nav a{margin-right:.8em}
@media print{body{max-width:none;font-size:11px}figure,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}.wide{overflow:visible}
.wide td,.wide th{white-space:normal}nav{display:none}})";

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

/// UTC.
std::string time_now() {
  std::time_t const now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  return fmt::format("{:04d}-{:02d}-{:02d} {:02d}:{:02d} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min);
}

std::string failure_line(parallel::Failure const& failure) { return failure.item + ": " + failure.message; }

std::string failures_of(ReportView const& view, ReportTarget const& target) {
  std::vector<std::string> lines;
  for (auto const& failure : view.failures)
    if (ReportView::is_of(failure, target.name)) lines.push_back(failure_line(failure));
  return list_section("Failed", lines, "h3");
}

std::string target_section(ReportView& view, std::size_t number) {
  auto const& target = view.targets[number];
  std::string html = fmt::format("<section id=\"target-{}\">\n<h2>{}</h2>\n", number, escape_html(target.name));
  html += failures_of(view, target);
  html += steps_section(view, target);
  html += level2_section(view, target);
  html += mosaics_section(view, target);
  html += comparison_section(view, target);
  html += levels_section(view, target);
  html += stripes_section(view, target);
  html += alignment_section(view, target);
  html += flags_section(view, target);
  return html + "</section>\n";
}

std::string navigation(ReportView const& view) {
  if (view.targets.size() < 2) return "";
  std::string html = "<nav>";
  for (std::size_t t = 0; t < view.targets.size(); ++t)
    html += fmt::format("<a href=\"#target-{}\">{}</a> ", t, escape_html(view.targets[t].name));
  return html + "</nav>\n";
}

/// Version, machine and configuration.
std::string provenance(RunPlan const& plan) {
  auto const& facts = build_facts();
  std::string html =
      fmt::format("<h2>Made by</h2>\n<p>tessera {} ({}), {}, {}; {} rank{} of {} thread{}; written {}.</p>\n",
                  escape_html(facts.version), escape_html(facts.commit), escape_html(facts.compiler),
                  escape_html(facts.flags), plan.ranks, plan.ranks == 1 ? "" : "s", compute::thread_count(),
                  compute::thread_count() == 1 ? "" : "s", time_now());
  auto const& text = plan.request.configuration_json;
  if (text.empty()) return html;
  auto const json = nlohmann::json::parse(text, nullptr, false);
  auto const replace = nlohmann::json::error_handler_t::replace;
  return html + "<details><summary>Configuration</summary><pre>" +
         escape_html(json.is_discarded() ? text : json.dump(1, ' ', false, replace)) + "</pre></details>\n";
}

}  // namespace

void write_report(fs::path const& path, RunPlan const& plan, std::vector<StepTiming> const& timing,
                  std::vector<parallel::Failure> const& failures, ExitStatus status) {
  ReportView view(path, plan, timing, failures);
  std::vector<std::string> failed, quarantined, notes;
  for (auto const& failure : failures) failed.push_back(failure_line(failure));
  for (auto const& broken : plan.request.inventory.broken) quarantined.push_back(broken.text);
  for (auto const& note : plan.request.inventory.notes) notes.push_back(note.path + ": " + note.text);
  auto const version = plan.request.report_folder.filename().string();
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>tessera report: {}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<h1>tessera report: {}</h1>\n<p>This run is <b class=\"{}\">{}</b>.</p>\n",
      Policy, escape_html(version), Style, escape_html(version), status == ExitStatus::Complete ? "good" : "bad",
      in_words(status));
  html += navigation(view);
  html += list_section("Failed", failed);
  html += list_section("Quarantined exposures", quarantined);
  html += list_section("Warnings", plan.request.warnings);
  html += overview_section(view);
  html += cost_section(view);
  for (std::size_t t = 0; t < view.targets.size(); ++t) html += target_section(view, t);
  if (view.drawings_left_out) html += "<p>Some drawings are left out: the page would be too large.</p>\n";
  html += list_section("Notes on exposures", notes);
  html += provenance(plan) + "</body>\n</html>\n";
  io::write_file(path, html);
}

}  // namespace tessera::pipeline
