"""The configurations of inputs/ as they are, on simulated count rates in their bands: planned, references checked, run."""
import pathlib
import re
import shutil
import unittest

from harness import COMPLETE, ProgramTest
from survey import Survey

SETTINGS = """
seed = 29
version = "v0p1"
bands = ["F090W", "F150W", "F187N", "F200W", "F210M", "F300M", "F335M", "F360M", "F430M", "F444W", "F560W", "F770W",
         "F1000W", "F1130W", "F2100W"]
[[targets]]
name = "ngc0001"
ra = 24.1739
dec = 15.7837
size = 30
[tiles]
columns = 1
rows = 1
[dithers]
count = 2
size = 2.0
[detectors]
nircam_size = 192
miri_size = 192
use = ["nrca1", "nrcalong", "mirimage"]
[off]
exposures = 1
[scene]
field_stars = 300
member_stars = 50
clusters = 5
ionised_regions = 5
[rates]
on = true
"""
INPUTS = pathlib.Path(__file__).resolve().parents[2] / "inputs"
# The simulator's offs are of MIRI alone, and called "-OFF".
NIRCAM_OFFS = re.compile(r'"F(090|200|335|444)[WM]_bgr", ?')


class Inputs(ProgramTest):
    survey = None

    def setUp(self):
        super().setUp()
        if Inputs.survey is None:
            Inputs.survey = Survey.of(SETTINGS)

    def configure(self, programme, bands=None):
        """Its configuration for its first target, which stands for the simulated one; what is not built is left out."""
        text = (INPUTS / programme / "config.toml").read_text()
        target = re.search(r'targets = \[\s*"(\w+)"', text).group(1)
        text = re.sub(r"targets = \[.*?\]", f'targets = ["{target}"]', text, count=1, flags=re.S)
        text = NIRCAM_OFFS.sub("", text).replace('bgr_background_name = "sky"', 'bgr_background_name = "off"')
        if bands:
            text = re.sub(r"\nbands = \[.*?\]", "\nbands = [" + ", ".join(f'"{band}"' for band in bands) + "]", text,
                          count=1, flags=re.S)
        text = text.replace("[parameters.", "[tessera]\nskip_unbuilt = true\n\n[parameters.", 1)
        folder = self.survey.folder
        if not (folder / "raw" / target).exists():
            (folder / "raw" / target).symlink_to("ngc0001")
        for name in re.findall(r'= "(\S+\.fits)"', text):
            if not (folder / "alignment" / name).exists():
                shutil.copy(folder / "alignment" / "ngc0001_stars.fits", folder / "alignment" / name)
        path = folder / f"inputs_{programme}.toml"
        path.write_text(text)
        return path, target

    def check(self, programme):
        path, target = self.configure(programme)
        outcome = self.tessera("crds", "check", path)
        self.assert_status(outcome, COMPLETE)
        self.assertIn("all references are there", outcome.out)
        self.assertIn("flat_field", outcome.out)
        outcome = self.tessera("plan", path)
        self.assert_status(outcome, COMPLETE)
        self.assertEqual(outcome.lines("error"), [])
        bands = re.findall(r'"(F\w+)"', re.search(r"\nbands = \[(.*?)\]", path.read_text(), re.S).group(1))
        rows = dict(re.findall(rf"^{target} +(F\w+) +(\d+) ", outcome.out, re.M))
        self.assertEqual(sorted(rows), sorted(bands))
        # What is left out is a step, named; no parameter of a step that runs is passed over.
        self.assertNotIn("this parameter is not yet built", outcome.out + outcome.err)
        return outcome.out

    def test_phangs_cycle_1(self):
        plan = self.check("2107")
        self.assertRegex(plan, r"(?m)^ngc?\w+ +F770W +2 +1 +1 +lv2 *$|^ic5332 +F770W +2 +1 +1 +lv2 *$")
        self.assertRegex(plan, r"(?m)F200W +2 +0 +0 +single_tile_destripe lv2 *$")

    def test_phangs_cycle_2(self):
        self.check("3707")

    def test_m33(self):
        plan = self.check("2128")  # level 2 first
        self.assertRegex(plan, r"(?m)F444W +2 +0 +0 +lv2 single_tile_destripe *$")

    def test_m33_and_others(self):
        self.check("2130")

    def run_through(self, programme, bands, version):
        path, target = self.configure(programme, bands)
        outcome = self.tessera("run", path, ranks=2, timeout=300)
        self.assert_status(outcome, COMPLETE)
        for band in bands:
            mosaics = list((self.survey.tree(version) / target / band / "lv3").glob("*_i2d.fits"))
            self.assertEqual(len(mosaics), 1, band)
        text = (self.survey.tree(version) / "report" / "index.html").read_text()
        for entry in ("single_tile_destripe.nircam", "lv2", "level_match", "lv3: resample", "release"):
            self.assertIn(f'<th scope="row">{entry}</th>', text)
        self.assertNotIn("not done", text)

    def test_phangs_cycle_1_runs_to_the_mosaics(self):
        self.run_through("2107", ["F300M", "F1000W", "F1000W_bgr"], "v1p2")

    def test_m33_runs_to_the_mosaics(self):
        self.run_through("2128", ["F335M", "F560W", "F560W_bgr"], "v0p7")


if __name__ == "__main__":
    unittest.main(verbosity=2)
