"""From count rates to mosaics in one run: the same bits whatever the machine, over kills, and what bad input does."""
import hashlib
import json
import shutil
import signal
import unittest

from harness import COMPLETE, INCOMPLETE, REFUSED, RESUMABLE, ProgramTest, Run, plane_hashes, wait_until
from survey import Survey

SETTINGS = """
seed = 23
version = "v0p1"
bands = ["F200W", "F300M", "F770W"]
[[targets]]
name = "ngc0001"
ra = 24.1739
dec = 15.7837
size = 60
[tiles]
columns = 2
rows = 1
overlap = 0.3
[dithers]
count = 2
size = 2.0
[detectors]
nircam_size = 256
miri_size = 256
use = ["nrca1", "nrcalong", "mirimage"]
[scene]
field_stars = 300
member_stars = 100
clusters = 10
ionised_regions = 10
[off]
exposures = 4
[rates]
on = true
"""
BANDS = ("F200W", "F300M", "F770W")
STEPS = ("single_tile_destripe.nircam", "lv2", "level_match", "lv3")
PARAMETERS = """
[parameters.single_tile_destripe]
filter_diffuse = true
dilate_size = 7
filter_scales = [3, 7, 15, 31, 63]
[parameters.lv2]
bgr_observation_types = ["miri"]
jwst_parameters.bkg_subtract.sigma = 1.5
jwst_parameters.bkg_subtract.save_combined_background = true
[parameters.level_match]
weight_method = "rms"
[parameters.lv3.jwst_parameters]
tweakreg.skip = true
source_catalog.skip = true
resample.rotation = 0.0
"""
PRODUCTS = {"F200W": "ngc0001_nircam_lv3_f200w", "F300M": "ngc0001_nircam_lv3_f300m", "F770W": "ngc0001_miri_lv3_f770w"}


class Level2Test(ProgramTest):
    survey = None

    def setUp(self):
        super().setUp()
        if Level2Test.survey is None:
            Level2Test.survey = Survey.of(SETTINGS)

    def configure(self, version, steps=STEPS, parameters=PARAMETERS, bands=BANDS, tessera=""):
        path = self.survey.folder / f"{version}.toml"
        quoted = [", ".join(f'"{name}"' for name in names) for names in (steps, bands)]
        path.write_text(f'targets = ["ngc0001"]\nversion = "{version}"\nbands = [{quoted[1]}]\nsteps = [{quoted[0]}]\n'
                        f"[tessera]\n{tessera}\n{parameters}")
        return path

    def target(self, version):
        return self.survey.tree(version) / "ngc0001"

    def calibrated(self, version, band):
        return sorted((self.target(version) / band / "lv2").glob("*_cal.fits"))

    def results(self, version, bands=BANDS):
        """Hashes of every calibrated exposure, background, ledger file and plane of the mosaics."""
        target, found = self.target(version), {}
        for band in bands:
            for pattern in ("lv2/*_cal.fits", "lv2/backgrounds/*.fits"):
                for path in sorted((target / band).glob(pattern)):
                    found[band, path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
            found[band, "mosaic"] = plane_hashes(target / band / "lv3" / f"{PRODUCTS[band]}_i2d.fits")
        return found


class SameBits(Level2Test):
    expected = None

    def reference(self):
        if SameBits.expected is None:
            outcome = Run(["run", self.configure("alone")]).wait(300)
            self.assertEqual(outcome.statuses, [COMPLETE], outcome)
            SameBits.expected = self.results("alone")
        return SameBits.expected

    def check(self, version, **machine):
        expected = self.reference()
        arguments = machine.pop("arguments", [])
        outcome = Run(["run", self.configure(version), *arguments], **machine).wait(300)
        self.assertEqual(set(outcome.statuses), {COMPLETE}, outcome)
        self.assertEqual(self.results(version), expected)

    def test_every_exposure_is_calibrated_and_every_mosaic_made(self):
        names = [name for (_, name) in self.reference() if name.endswith("_cal.fits")]
        self.assertEqual(len(names), 4 + 4 + 4, names)
        self.assertEqual(len([name for (_, name) in self.reference() if name.endswith("_combinedbackground.fits")]), 1)

    def test_two_ranks(self):
        self.check("two", ranks=2)

    def test_four_ranks_and_two_threads(self):
        self.check("four", ranks=4, threads=2)

    def test_a_small_memory(self):
        self.check("little", arguments=["--memory-per-rank", "320 MB"])

    def test_a_run_that_is_killed_while_it_calibrates_goes_on(self):
        expected = self.reference()
        config = self.configure("killed")
        run = Run(["run", config], ranks=2)
        wait_until(lambda: len(list(self.target("killed").rglob("*_cal.fits"))) >= 2, run, "two calibrated exposures")
        for rank in range(2):
            run.send(rank, signal.SIGKILL)
        run.wait()
        made = {path: path.stat().st_mtime_ns for path in self.target("killed").rglob("*_cal.fits")}
        manifests = {path for path in made if path.with_name(path.name + ".manifest.json").exists()}
        outcome = Run(["run", config], ranks=3).wait(300)
        self.assertEqual(set(outcome.statuses), {COMPLETE}, outcome)
        self.assertEqual(self.results("killed"), expected)
        for path in manifests:
            self.assertEqual(path.stat().st_mtime_ns, made[path], f"{path} was made twice")

    def test_a_stop_request_ends_resumable(self):
        config = self.configure("stopped")
        run = Run(["run", config], ranks=2)
        wait_until(lambda: list(self.target("stopped").rglob("*_cal.fits")), run, "a calibrated exposure")
        run.send(1, signal.SIGUSR1)
        outcome = run.wait(300)
        self.assertEqual(set(outcome.statuses), {RESUMABLE}, outcome)
        outcome = Run(["run", config]).wait(300)
        self.assertEqual(outcome.statuses, [COMPLETE], outcome)
        self.assertEqual(self.results("stopped"), self.reference())

    def test_a_second_run_does_nothing(self):
        self.reference()
        before = {path: path.stat().st_mtime_ns for path in self.target("alone").rglob("*.fits")}
        outcome = Run(["run", self.configure("alone")], ranks=2).wait(300)
        self.assertEqual(set(outcome.statuses), {COMPLETE}, outcome)
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.target("alone").rglob("*.fits")}, before)


class Order(Level2Test):
    def test_lv2_before_destriping_makes_other_exposures_and_no_ledger_of_it(self):
        outcome = Run(["run", self.configure("m33", ("lv2", "single_tile_destripe.nircam", "lv3"), bands=("F300M",))]).wait(300)
        self.assertEqual(outcome.statuses, [COMPLETE], outcome)
        self.assertFalse(list(self.target("m33").rglob("*single_tile_destripe.h5")))
        for path in self.calibrated("m33", "F300M"):
            self.assertEqual(path.read_bytes().count(b"HISTORY tessera: single_tile_destripe"), 1, path)


class Changes(Level2Test):
    def test_a_changed_clip_makes_the_miri_exposures_again_and_no_others(self):
        outcome = Run(["run", self.configure("changed", ("lv2",), bands=("F300M", "F770W"))]).wait(300)
        self.assertEqual(outcome.statuses, [COMPLETE], outcome)
        before = {path: path.stat().st_mtime_ns for path in self.target("changed").rglob("*_cal.fits")}
        config = self.configure("changed", ("lv2",), PARAMETERS.replace("sigma = 1.5", "sigma.miri = 2.5"), ("F300M", "F770W"))
        status = Run(["status", config]).wait()
        self.assertRegex(status.out, r"F770W +to be made again", status)
        self.assertEqual(Run(["run", config]).wait(300).statuses, [COMPLETE])
        again = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
        self.assertEqual(again, {path.name for path in before if "mirimage" in path.name})


class BadInput(Level2Test):
    def copy_of_raw(self, name):
        """Another raw folder with the same files, to be broken."""
        folder = self.survey.folder / name
        shutil.copytree(self.survey.folder / "raw", folder, dirs_exist_ok=True)
        local = self.survey.folder / f"{name}.local.toml"
        text = (self.survey.folder / "local.toml").read_text()
        local.write_text("\n".join(f'raw_dir = "{folder}"' if line.startswith("raw_dir") else line for line in text.splitlines()))
        return folder, local

    def test_a_broken_exposure_among_many_is_quarantined(self):
        folder, local = self.copy_of_raw("broken")
        victim = sorted(folder.rglob("*nrcalong_rate.fits"))[0]
        victim.write_bytes(victim.read_bytes()[:100000])
        outcome = Run(["run", self.configure("broken", bands=("F300M",)), "--local", local], ranks=2).wait(300)
        self.assertEqual(set(outcome.statuses), {INCOMPLETE}, outcome)
        self.assertEqual(len(self.calibrated("broken", "F300M")), 3)
        self.assertTrue(any(victim.name in line for line in outcome.lines("error")), outcome)

    def test_a_missing_reference_is_said_before_any_work(self):
        cache = self.survey.folder / "half"
        shutil.copytree(self.survey.folder / "crds", cache)
        for flat in cache.rglob("*flat*.fits"):
            flat.unlink()
        local = self.survey.folder / "half.local.toml"
        text = (self.survey.folder / "local.toml").read_text()
        local.write_text("\n".join(f'crds_path = "{cache}"' if line.startswith("crds_path") else line for line in text.splitlines()))
        outcome = Run(["run", self.configure("half"), "--local", local], ranks=2).wait()
        self.assertEqual(set(outcome.statuses), {REFUSED}, outcome)
        self.assertGreaterEqual(len([line for line in outcome.lines("error") if "flat" in line]), 3, outcome)
        self.assertFalse(self.target("half").exists() and list(self.target("half").rglob("*_cal.fits")))

    def test_a_context_that_is_not_there_is_refused(self):
        local = self.survey.folder / "context.local.toml"
        text = (self.survey.folder / "local.toml").read_text()
        local.write_text(text.replace("jwst_0001.pmap", "jwst_0777.pmap"))
        outcome = Run(["run", self.configure("context"), "--local", local]).wait()
        self.assertEqual(outcome.statuses, [REFUSED], outcome)
        self.assertTrue(any("jwst_0777.pmap" in line for line in outcome.lines("error")), outcome)

    def test_no_background_where_one_is_wanted_is_refused(self):
        folder, local = self.copy_of_raw("nooffs")
        for path in folder.rglob("*_rate.fits"):
            if "_02201_" in path.name or path.name.split("_")[1][2] == "2":
                path.unlink()
        outcome = Run(["run", self.configure("nooffs", bands=("F770W",)), "--local", local]).wait()
        self.assertEqual(outcome.statuses, [REFUSED], outcome)
        self.assertTrue(any("background" in line for line in outcome.lines("error")), outcome)

    def test_a_band_that_is_lost_on_the_way_does_not_stop_the_others(self):
        folder = self.target("lost") / "F770W" / "lv2"
        folder.mkdir(parents=True)
        (folder / "backgrounds").write_text("in the way of the folder")
        outcome = Run(["run", self.configure("lost")], ranks=2).wait(300)
        self.assertEqual(set(outcome.statuses), {INCOMPLETE}, outcome)
        self.assertTrue(any("F770W" in line and "background" in line for line in outcome.lines("error")), outcome)
        for band in ("F200W", "F300M"):
            self.assertTrue((self.target("lost") / band / "lv3" / f"{PRODUCTS[band]}_i2d.fits").exists(), outcome)
        self.assertFalse((self.target("lost") / "F770W" / "lv3" / f"{PRODUCTS['F770W']}_i2d.fits").exists())
        self.assertTrue((self.survey.tree("lost") / "report" / "index.html").exists())

    def test_lv2_for_some_bands_only_is_refused(self):
        for steps in (("lv2.nircam", "lv3"), ("lv2", "lv2.miri", "lv3"), ("lv2.nircam", "level_match", "lv2.miri", "lv3")):
            outcome = Run(["run", self.configure("some", steps)]).wait()
            self.assertEqual(outcome.statuses, [REFUSED], outcome)
            self.assertTrue(any("lv2" in line and "F770W" in line for line in outcome.lines("error")), outcome)

    def test_count_rates_that_are_gone_are_not_destriped_twice(self):
        config = self.configure("gone", ("lv2", "single_tile_destripe.nircam", "lv3"), bands=("F300M",))
        self.assertEqual(Run(["run", config]).wait(300).statuses, [COMPLETE])
        local = self.survey.folder / "gone.local.toml"
        empty = self.survey.folder / "empty"
        empty.mkdir()
        text = (self.survey.folder / "local.toml").read_text()
        local.write_text("\n".join(f'raw_dir = "{empty}"' if line.startswith("raw_dir") else line for line in text.splitlines()))
        outcome = Run(["run", config, "--local", local]).wait()
        self.assertEqual(outcome.statuses, [REFUSED], outcome)
        self.assertTrue(any("destriped" in line for line in outcome.lines("error")), outcome)

    def test_what_later_steps_lack_is_said_before_level_2(self):
        parameters = PARAMETERS + '\n[parameters.lv3.jwst_parameters.skymatch]\nskymethod = "user"\nskylist = "nowhere.txt"\n'
        outcome = Run(["run", self.configure("later", parameters=parameters)]).wait()
        self.assertEqual(outcome.statuses, [REFUSED], outcome)
        self.assertTrue(any("nowhere.txt" in line for line in outcome.lines("error")), outcome)
        self.assertFalse(list(self.target("later").rglob("*_cal.fits")) if self.target("later").exists() else [])


if __name__ == "__main__":
    unittest.main()
