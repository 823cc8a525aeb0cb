"""The steps that write the ledger: the same bits whatever the machine, over kills, and only what changed is made again."""
import hashlib
import signal
import unittest

from fits_files import plane
from harness import COMPLETE, INCOMPLETE, REFUSED, RESUMABLE, ProgramTest, Run, plane_hashes, wait_until
from survey import Survey

SETTINGS = """
seed = 11
version = "v0p1"
bands = ["F300M", "F1000W"]
[[targets]]
name = "ngc0001"
ra = 24.1739
dec = 15.7837
size = 40
[tiles]
columns = 2
rows = 1
overlap = 0.3
[dithers]
count = 3
size = 2.0
[detectors]
nircam_size = 320
miri_size = 320
use = ["nrcalong", "mirimage"]
[scene]
field_stars = 60
member_stars = 100
clusters = 10
ionised_regions = 10
[effects.levels]
rms = 0.15
[effects.stripes]
rms = 0.05
"""
STEPS = ("level_match", "multi_tile_destripe.nircam", "lv3")
LEDGER = {"F300M": ["01_level_match.h5", "02_multi_tile_destripe.h5", "04_skymatch.h5", "05_outlier_detection.h5"],
          "F1000W": ["01_level_match.h5", "04_skymatch.h5", "05_outlier_detection.h5"]}
PARAMETERS = """
[parameters.level_match]
weight_method = "rms"
[parameters.lv3]
skymatch_group_dithers = ["nircam_long", "miri"]
[parameters.lv3.jwst_parameters]
tweakreg.skip = true
source_catalog.skip = true
skymatch.skymethod = "global"
skymatch.subtract = true
skymatch.skystat = "median"
resample.rotation = 0.0
"""


class SeamlessTest(ProgramTest):
    survey = None

    def setUp(self):
        super().setUp()
        if SeamlessTest.survey is None:
            SeamlessTest.survey = Survey.of(SETTINGS)

    def configure(self, version, steps=STEPS, parameters=PARAMETERS, bands=("F300M", "F1000W"), tessera=""):
        path = self.survey.folder / f"{version}.toml"
        quoted = [", ".join(f'"{name}"' for name in names) for names in (steps, bands)]
        path.write_text(f'targets = ["ngc0001"]\nversion = "{version}"\nbands = [{quoted[1]}]\nsteps = [{quoted[0]}]\n'
                        f"[tessera]\n{tessera}\n{parameters}")
        return path

    def ledger(self, version, band):
        return self.survey.tree(version) / "ngc0001" / "ledger" / band

    def results(self, version, bands=("F300M", "F1000W")):
        """Hashes of every ledger file and every plane of the mosaics."""
        found = {}
        for band in bands:
            for path in sorted(self.ledger(version, band).glob("*.h5")):
                found[band, path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
            found[band, "mosaic"] = plane_hashes(self.survey.product(version, band))
        return found


class SameBits(SeamlessTest):
    expected = None

    def setUp(self):
        super().setUp()
        if SameBits.expected is None:
            self.assert_status(self.tessera("run", self.configure("alone")), COMPLETE)
            SameBits.expected = self.results("alone")

    def check(self, version, ranks, threads=1, memory=""):
        config = self.configure(version)
        options = ["--memory-per-rank", memory] if memory else []
        self.assert_status(self.tessera("run", config, *options, ranks=ranks, threads=threads), COMPLETE)
        self.assertEqual(self.results(version), SameBits.expected)

    def test_every_step_leaves_its_ledger_and_nothing_else(self):
        for band, files in LEDGER.items():
            there = sorted(p.name for p in self.ledger("alone", band).iterdir())
            self.assertEqual(there, sorted(files + [f"{name}.manifest.json" for name in files]))

    def test_two_ranks(self):
        self.check("two", ranks=2)

    def test_three_ranks_of_two_threads_with_little_memory(self):
        self.check("three", ranks=3, threads=2, memory="320M")

    def test_four_ranks(self):
        self.check("four", ranks=4)

    def test_two_threads(self):
        self.check("threads", ranks=1, threads=2)

    def kill_in(self, step, number):
        """Kills a rank when the journal of `step` has its first items, then goes on with other ranks."""
        version = f"kill-{step}"
        config = self.configure(version)
        run = Run(["run", config], 2)
        journals = [self.ledger(version, band) / f"{number}_{step}.journal" for band in LEDGER]
        wait_until(lambda: any(j.is_dir() and any(j.iterdir()) for j in journals), run, f"items of {step}")
        run.send(1, signal.SIGKILL)
        run.wait(60)
        self.assertFalse(self.survey.product(version, "F300M").exists())
        self.assert_status(self.tessera("run", config, ranks=3), COMPLETE)
        self.assertEqual(self.results(version), SameBits.expected)
        self.assertEqual([p.name for p in self.ledger(version, "F300M").iterdir() if p.is_dir()], [])

    def test_killed_in_level_match(self):
        self.kill_in("level_match", "01")

    def test_killed_in_multi_tile_destripe(self):
        self.kill_in("multi_tile_destripe", "02")

    def test_killed_in_skymatch(self):
        self.kill_in("skymatch", "04")

    def test_killed_in_outlier_detection(self):
        self.kill_in("outlier_detection", "05")

    def test_warned_in_the_middle_it_ends_with_75_and_goes_on(self):
        config = self.configure("warned")
        run = Run(["run", config], 2)
        journal = self.ledger("warned", "F300M") / "02_multi_tile_destripe.journal"
        wait_until(lambda: journal.is_dir() and any(journal.iterdir()), run, "items of multi_tile_destripe")
        run.send(1, signal.SIGUSR1)
        self.assert_status(run.wait(60), RESUMABLE)
        self.assert_status(self.tessera("run", config, ranks=1), COMPLETE)
        self.assertEqual(self.results("warned"), SameBits.expected)


class WhatChanged(SeamlessTest):
    def test_a_second_run_does_nothing_and_a_changed_step_redoes_what_follows(self):
        config = self.configure("change", bands=["F1000W"])
        self.assert_status(self.tessera("run", config), COMPLETE)
        before = self.results("change", ["F1000W"])
        times = {p: p.stat().st_mtime_ns for p in self.ledger("change", "F1000W").iterdir()}
        self.assert_status(self.tessera("run", config), COMPLETE)
        self.assertEqual({p: p.stat().st_mtime_ns for p in self.ledger("change", "F1000W").iterdir()}, times)
        config = self.configure("change", bands=["F1000W"], parameters=PARAMETERS + 'outlier_detection.snr = "9.0 8.0"\n')
        said = self.tessera("status", config).out
        self.assertRegex(said, r"level_match of ngc0001 F1000W +up to date")
        self.assertRegex(said, r"outlier_detection of ngc0001 F1000W +to be made again: parameter .*snr")
        self.assert_status(self.tessera("run", config), COMPLETE)
        after = self.results("change", ["F1000W"])
        self.assertEqual(before["F1000W", "01_level_match.h5"], after["F1000W", "01_level_match.h5"])
        self.assertNotEqual(before["F1000W", "05_outlier_detection.h5"], after["F1000W", "05_outlier_detection.h5"])
        self.assertNotEqual(before["F1000W", "mosaic"], after["F1000W", "mosaic"])

    def test_a_step_taken_out_of_the_configuration_is_not_applied_any_more(self):
        self.assert_status(self.tessera("run", self.configure("less", bands=["F1000W"])), COMPLETE)
        self.assert_status(self.tessera("run", self.configure("less", steps=["lv3"], bands=["F1000W"])), COMPLETE)
        self.assert_status(self.tessera("run", self.configure("never", steps=["lv3"], bands=["F1000W"])), COMPLETE)
        self.assertEqual(self.results("less", ["F1000W"]), self.results("never", ["F1000W"]))
        superseded = self.ledger("less", "F1000W") / "superseded"
        self.assertIn("01_level_match.h5", [p.name for p in superseded.iterdir()])

    def test_destriping_may_come_first_as_for_m33(self):
        config = self.configure("m33", steps=["multi_tile_destripe.nircam", "level_match", "lv3"], bands=["F300M"])
        self.assert_status(self.tessera("run", config), COMPLETE)
        self.assertTrue((self.ledger("m33", "F300M") / "01_multi_tile_destripe.h5").exists())
        self.assertTrue((self.ledger("m33", "F300M") / "02_level_match.h5").exists())


class BadInput(SeamlessTest):
    def test_shifts_that_are_not_there(self):
        outcome = self.tessera("run", self.configure("noshift", steps=["apply_wcs_adjust", "lv3"]), ranks=2)
        self.assert_status(outcome, REFUSED)
        self.assertIn("ngc0001_wcs_adjust.toml", outcome.err)

    def test_a_band_whose_step_fails_does_not_keep_the_others_from_being_made(self):
        config = self.configure("broken", steps=["apply_wcs_adjust.nircam", "lv3"])
        (self.survey.tree("broken") / "ngc0001").mkdir(parents=True)
        shifts = self.survey.tree("broken") / "ngc0001" / "ngc0001_wcs_adjust.toml"
        shifts.write_text("[wcs_adjust]\njw09001001001.matrix = [[0.0, 0.0], [0.0, 0.0]]\n")
        outcome = self.tessera("run", config, ranks=2)
        self.assert_status(outcome, INCOMPLETE)
        self.assert_one_line(outcome, "F300M", "ngc0001_wcs_adjust.toml", "jw09001001001")
        self.assertEqual(len([line for line in outcome.lines("warning") if "nothing more is done" in line]), 1, str(outcome))
        self.assertFalse(self.survey.product("broken", "F300M").exists())
        self.assertTrue(self.survey.product("broken", "F1000W").exists())


class Export(SeamlessTest):
    def test_exposures_after_each_step(self):
        config = self.configure("export", bands=["F300M"])
        self.assert_status(self.tessera("run", config), COMPLETE)
        folder = self.folder / "export"
        values = {}
        for step in ("none", "level_match", "multi_tile_destripe", "outlier_detection"):
            self.assert_status(self.tessera("export", config, "--after", step, "-o", folder / step), COMPLETE)
            suffix = "crf" if step == "outlier_detection" else "cal"
            paths = sorted((folder / step / "ngc0001" / "F300M").glob(f"*_{suffix}.fits"))
            self.assertEqual(len(paths), 6)
            values[step] = plane(paths[0], "SCI")
        self.assertNotEqual(values["none"], values["level_match"])
        self.assertNotEqual(values["level_match"], values["multi_tile_destripe"])
        outcome = self.tessera("export", config, "--after", "levl_match", "-o", folder / "x")
        self.assertIn("level_match", outcome.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
