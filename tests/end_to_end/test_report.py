"""The report of a survey: one page that holds everything it shows, right as HTML and in a browser."""
import html.parser
import pathlib
import re
import shutil
import unittest
import urllib.parse

import browser
from harness import COMPLETE, INCOMPLETE, ProgramTest
from survey import Survey

SETTINGS = """
seed = 23
version = "v0p1"
bands = ["F300M", "F1000W"]
[[targets]]
name = "ngc0001"
ra = 24.1739
dec = 15.7837
size = 40
[[targets]]
name = "ngc0002"
ra = 150.1
dec = -22.3
size = 40
[tiles]
columns = 2
rows = 1
overlap = 0.4
[dithers]
count = 2
size = 2.0
[detectors]
nircam_size = 320
miri_size = 320
use = ["nrcalong", "mirimage"]
[scene]
field_stars = 800
member_stars = 100
clusters = 10
ionised_regions = 10
faintest_star = 3.0
[effects.levels]
rms = 0.15
[effects.stripes]
rms = 0.05
[effects.cosmic_rays]
"""
TARGETS = ("ngc0001", "ngc0002")
BANDS = ("F300M", "F1000W")
PARAMETERS = """
[parameters.lv3]
tweakreg_group_dithers = ["nircam_long", "miri"]
skymatch_group_dithers = ["nircam_long", "miri"]
[parameters.lv3.jwst_parameters]
source_catalog.skip = true
tweakreg.bkg_boxsize = 100
tweakreg.snr_threshold = 5
tweakreg.minobj = 3
tweakreg.fitgeometry = "shift"
skymatch.skymethod = "global"
resample.rotation = 0.0
"""
VOID = {"meta", "img", "br", "rect", "path"}  # the last two stand in SVG, closed by themselves
LARGEST = 2 << 20  # bytes of the page of this small survey


class Checked(html.parser.HTMLParser):
    """Complains of tags that do not match, and gathers what the page refers to."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.problems = [], []
        self.ids, self.links, self.images, self.tags, self.headings = [], [], [], [], []
        self.heading = None
        self.feed(text)
        self.close()
        self.problems += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> has an attribute twice")
        values = dict(attributes)
        if "id" in values:
            self.ids.append(values["id"])
        if "href" in values:
            self.links.append(values["href"])
        if tag == "img":
            self.images.append(values)
        if tag in ("h1", "h2", "h3", "h4"):
            self.heading = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.problems.append(f"<{tag}/>")

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} where {self.open[-3:]} are open")
        else:
            self.open.pop()
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((tag, self.heading))
            self.heading = None

    def handle_data(self, data):
        if self.heading is not None:
            self.heading += data


class ReportTest(ProgramTest):
    survey = None

    @classmethod
    def setUpClass(cls):
        if ReportTest.survey is None:
            ReportTest.survey = Survey.of(SETTINGS)

    def configure(self, version, tessera="", targets=TARGETS):
        path = self.survey.folder / f"{version}.toml"
        quoted = [", ".join(f'"{name}"' for name in names) for names in (targets, BANDS)]
        path.write_text(f'targets = [{quoted[0]}]\nversion = "{version}"\nbands = [{quoted[1]}]\n'
                        'steps = ["level_match", "multi_tile_destripe.nircam", "lv3", "astrometric_catalog"]\n'
                        f"[tessera]\n{tessera}\n{PARAMETERS}")
        return path

    def report(self, version, tessera="", ranks=1):
        """Path of the page of that version, made where it is not there yet."""
        path = self.survey.tree(version) / "report" / "index.html"
        if not path.exists():
            outcome = self.tessera("run", self.configure(version, tessera), ranks=ranks, timeout=300)
            self.assert_status(outcome, COMPLETE)
        return path

    def check(self, path):
        """What every page must be; returns it parsed."""
        text = path.read_text(encoding="utf-8")
        page = Checked(text)
        self.assertEqual(page.problems, [])
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertNotIn("script", page.tags)
        self.assertNotIn("iframe", page.tags)
        self.assertNotIn("link", page.tags)
        self.assertNotRegex(text, r"(?i)(https?:)?//[a-z0-9-]+\.[a-z]{2,}/", "an address on the net")
        for image in page.images:
            self.assertTrue(image["src"].startswith("data:image/png;base64,"))
            self.assertTrue(image["alt"].strip())
        for link in page.links:
            if link.startswith("#"):
                self.assertIn(link[1:], page.ids)
            else:
                parts = urllib.parse.urlsplit(link)
                self.assertEqual((parts.scheme, parts.netloc), ("", ""), link)
                self.assertTrue((path.parent / urllib.parse.unquote(parts.path)).exists(), link)
        levels = [int(tag[1]) for tag, _ in page.headings]
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])), page.headings)
        return page


class ThePage(ReportTest):
    def test_has_a_section_for_each_target_with_all_its_parts(self):
        path = self.report("page")
        page = self.check(path)
        self.assertLess(path.stat().st_size, LARGEST)
        sections = {}
        for tag, text in page.headings:
            if tag == "h2":
                sections[text] = current = []
            elif tag == "h3":
                current.append(text)
        for target in TARGETS:
            self.assertEqual(sections.get(target), ["What ran", "Mosaics", "Levels", "Sky", "Stripes", "Alignment",
                                                    "Flagged by outlier_detection"])
        self.assertIn("Time and memory", sections)
        alternatives = [image["alt"] for image in page.images]
        for target in TARGETS:
            for band in BANDS:
                self.assertIn(f"{target} {band}: image", alternatives)
                self.assertIn(f"{target} {band}: weights", alternatives)
        text = path.read_text()
        drawings = re.findall(r'aria-label="([^"]*)"', text)
        for wanted in ("Seconds of each step", "Level graph: ngc0001 F300M, dithers", "Level graph: ngc0002 F1000W, mosaic_tiles",
                       "Flagged pixels of ngc0002 F300M"):
            self.assertIn(wanted, drawings)
        self.assertTrue(any("stripes rows of F300M: jw" in drawing for drawing in drawings), drawings)
        self.assertIn('"level_match"', text[text.index("Configuration"):].replace("&quot;", '"'))

    def test_shows_the_numbers_of_the_tables(self):
        text = self.report("page").read_text()
        folder = self.survey.tree("page") / "ngc0002" / "F1000W"
        pairs = (folder / "level_match" / "level_match_pairs.csv").read_text().splitlines()
        names = pairs[0].split(",")
        rows = [dict(zip(names, line.split(","))) for line in pairs[1:]]
        dithers = [float(row["delta"]) for row in rows if row["stage"] == "dithers" and row["used"] == "1"]
        rms = (sum(d * d for d in dithers) / len(dithers)) ** 0.5
        section = text[text.index("<h2>ngc0002</h2>"):]
        levels = section[section.index("<h3>Levels</h3>"):section.index("<h3>Sky</h3>")]
        row = next(row for row in re.findall(r"<tr>.*?</tr>", levels) if ">F1000W<" in row and ">dithers<" in row)
        self.assertIn(f"<td>{len(dithers)} of {sum(row['stage'] == 'dithers' for row in rows)}</td><td>{rms:.4g}</td>", row)

    def test_compares_with_a_previous_version(self):
        self.report("page")
        page_path = self.report("compared", 'previous_version = "page"', ranks=2)
        self.check(page_path)
        text = page_path.read_text()
        section = text[text.index("<h3>Compared with page</h3>"):]
        rows = re.findall(r"<tr><th.*?</tr>", section[:section.index("<h3>", 5)])[1:]
        self.assertEqual(len(rows), len(BANDS))
        for row in rows:  # the same bits for any ranks
            self.assertIn("same grid", row)
            median, previous, difference, rms = re.findall(r"<td>([^<]*)</td>", row)[1:5]
            self.assertEqual((median, difference, rms), (previous, "0", "0"), row)

    def test_says_that_there_is_no_previous_version(self):
        path = self.survey.folder / "missing.toml"
        path.write_text(self.configure("missing", 'previous_version = "v9"', targets=("ngc0001",)).read_text())
        outcome = self.tessera("run", path, timeout=300)
        self.assert_status(outcome, COMPLETE)
        page = self.survey.tree("missing") / "report" / "index.html"
        self.check(page)
        text = page.read_text()
        self.assertIn("there is no such version to compare with", text)
        self.assertIn("not in that version", text)

    def test_is_the_same_again_but_for_times(self):
        path = self.report("page")
        config = self.survey.folder / "page.toml"

        def without_times():
            text = re.sub(r"written \d{4}-\d\d-\d\d \d\d:\d\d UTC", "", path.read_text())
            return re.sub(r"<h2>Time and memory</h2>.*?(?=<section)", "", text, flags=re.S)
        self.assert_status(self.tessera("run", config), COMPLETE)
        before = without_times()
        self.assert_status(self.tessera("run", config), COMPLETE)
        self.assertEqual(without_times(), before)

    def test_stands_what_is_broken_or_missing(self):
        path = self.report("damaged")
        target = self.survey.tree("damaged") / "ngc0001" / "F300M"
        for name in ("level_match/level_match_pairs.csv", "lv3/tweakreg_groups.csv", "multi_tile_destripe/stripes.csv"):
            (target / name).write_bytes(b"\xff<b>,\"\n\0,,,,\"x\n")
        shutil.rmtree(target / "level_match" / "plots")
        for picture in target.glob("lv3/*_sci.png"):
            picture.write_text("no picture")
        self.assertNotIn("cannot be read", path.read_text())
        self.assert_status(self.tessera("run", self.survey.folder / "damaged.toml"), COMPLETE)
        page = self.check(path)
        self.assertIn("cannot be read", path.read_text())
        self.assertIn(("h2", "ngc0002"), page.headings)


class BadNames(ReportTest):
    def test_names_of_files_are_no_markup(self):
        folder = self.folder / "a <b>&'\"#%1?"
        folder.mkdir()
        for exposure in self.survey.exposures[:2]:
            shutil.copy(exposure, folder)
        bad = folder / "<img src=x onerror=alert(1)>.fits"
        bad.write_bytes(self.survey.exposures[0].read_bytes()[:20000])
        outcome = self.tessera("mosaic", *sorted(folder.glob("*.fits")), "-o", folder / "m<i>.fits")
        self.assert_status(outcome, INCOMPLETE)
        path = folder / "m<i>_report" / "report" / "index.html"
        page = self.check(path)
        self.assertIn(("h2", "Quarantined exposures"), page.headings)
        self.assertEqual(len(page.images), 2)
        self.assertIn("&lt;img src=x onerror", path.read_text())


@unittest.skipUnless(browser.PROGRAM, "there is no Chromium here")
class InABrowser(ReportTest):
    def test_it_loads_by_itself_and_shows_every_picture(self):
        with browser.Page(self.report("page")) as page:
            self.assertEqual(page.complaints(), [])
            self.assertEqual(page.requests(), [])
            pictures = page.value("Promise.all([...document.images].map(i => i.decode().then("
                                  "() => [i.alt, i.naturalWidth, i.naturalHeight, i.width], () => [i.alt, 0, 0, 0])))")
            self.assertGreaterEqual(len(pictures), 2 * len(TARGETS) * len(BANDS))
            for alternative, width, height, shown in pictures:
                self.assertGreater(width, 40, alternative)
                self.assertGreater(height, 40, alternative)
                self.assertLessEqual(shown, width, alternative)
            titles = page.value("[...document.querySelectorAll('section > h2')].map(e => e.textContent)")
            self.assertEqual(titles, list(TARGETS))
            self.assertEqual(page.value("document.compatMode"), "CSS1Compat")
            drawings = page.value("[...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().height)")
            self.assertGreater(len(drawings), 10)
            self.assertTrue(all(height > 30 for height in drawings), drawings)
            width, height, rows = page.screenshot()
            self.assertEqual((width, height), (1200, 900))
            channels = len(rows[0]) // width
            colours = {row[k:k + 3] for row in rows for k in range(0, len(row), channels)}
            self.assertGreater(len(colours), 20)
            self.assertTrue(page.pdf().startswith(b"%PDF"))

    def test_pictures_differ_from_each_other_and_from_paper(self):
        with browser.Page(self.report("page")) as page:
            spread = page.value("""(() => [...document.images].map(i => {
              const c = document.createElement('canvas'); c.width = i.naturalWidth; c.height = i.naturalHeight;
              const x = c.getContext('2d'); x.drawImage(i, 0, 0);
              const d = x.getImageData(0, 0, c.width, c.height).data;
              const seen = new Set(); for (let k = 0; k < d.length; k += 4) seen.add(d[k] << 16 | d[k+1] << 8 | d[k+2]);
              return seen.size; }))()""")
            self.assertTrue(all(colours > 3 for colours in spread), spread)
            self.assertGreater(max(spread), 30)

    def test_it_fits_a_phone(self):
        with browser.Page(self.report("page"), width=360, height=740, is_phone=True) as page:
            self.assertLessEqual(page.value("document.documentElement.scrollWidth"), 360)
            self.assertGreaterEqual(page.value("parseFloat(getComputedStyle(document.body).fontSize)"), 14)

    def test_names_of_files_run_nothing(self):
        folder = self.folder / "names"
        folder.mkdir()
        shutil.copy(self.survey.exposures[0], folder)
        (folder / "<img src=x onerror=alert(1)>.fits").write_bytes(b"SIMPLE")
        self.tessera("mosaic", *sorted(folder.glob("*.fits")), "-o", folder / "m.fits")
        with browser.Page(pathlib.Path(folder / "m_report" / "report" / "index.html")) as page:
            self.assertEqual(page.complaints(), [])
            self.assertEqual(page.requests(), [])
            self.assertEqual(page.value("document.querySelectorAll('img[src=x]').length"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
