"""Bad input ends in one clear line and the documented exit status on all ranks, without a half-written product or a hang."""
import os
import shutil
import subprocess
import unittest

from fits_files import plane, read_hdus, tan_cards, write_image, write_jwst
from harness import COMPLETE, INCOMPLETE, INPUT_OUTPUT, REFUSED, SHARED, WRONG_USE, ProgramTest, Run, wait_until
from survey import Survey

NAN = float("nan")


def on_one_and_two_ranks(test):
    """Runs a test method for one rank and for two, each in a folder of its own."""

    def both(self):
        top = self.folder
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                self.ranks, self.folder = ranks, top / str(ranks)
                self.folder.mkdir()
                self.out = self.folder / "out"
                test(self)
        self.folder = top

    return both


class MosaicTest(ProgramTest):
    def good_images(self, count=2):
        return [write_image(self.folder / f"good{k}.fits", ra=30 + k * 0.0005) for k in range(count)]

    def mosaic(self, *arguments, **options):
        return self.tessera("mosaic", *arguments, "-o", self.out / "field.fits", "--no-quicklook", ranks=self.ranks, **options)

    def many_images(self):
        return [write_image(self.folder / f"image{k}.fits", nx=128, ny=128, ra=30 + k * 0.0003) for k in range(12)]

    def start_large(self, images):
        """Starts a mosaic of many blocks, one at a time, and returns once some are finished."""
        command = ["mosaic", *images, "-o", self.out / "field.fits", "--pixel-scale-ratio", "0.05"]
        run = Run([*command, "--memory-per-rank", self.little_memory(*command, "--plan")], self.ranks)
        journal = self.out / "field.journal"
        wait_until(lambda: journal.is_dir() and any(journal.iterdir()), run, "the journal")
        return run

    def product(self):
        return self.out / "field.fits"

    def assert_quarantines(self, bad, *parts):
        """Alone the file is refused; among others it is left out and they are finished; with --on-error stop it ends the run."""
        alone = self.mosaic(bad)
        self.assert_status(alone, REFUSED)
        self.assert_one_line(alone, bad, *parts)
        stopped = self.mosaic(*self.good_images(), bad, "--on-error", "stop")
        self.assert_status(stopped, REFUSED)
        self.assert_one_line(stopped, bad, *parts)
        self.assertFalse(self.out.exists(), "a refusal leaves nothing")
        among = self.mosaic(*self.good_images(), bad)
        self.assert_status(among, INCOMPLETE)
        self.assert_one_line(among, bad, *parts)
        self.assertTrue(self.product().exists())
        self.assertIn(bad.name, (self.out / "field_report" / "report" / "index.html").read_text())


class BrokenExposures(MosaicTest):
    @on_one_and_two_ranks
    def test_a_truncated_file(self):
        bad = write_image(self.folder / "cut.fits")
        bad.write_bytes(bad.read_bytes()[:-5000])
        self.assert_quarantines(bad, "truncated")

    @on_one_and_two_ranks
    def test_a_file_cut_in_its_header(self):
        bad = write_image(self.folder / "cut.fits")
        bad.write_bytes(bad.read_bytes()[:1000])
        self.assert_quarantines(bad)

    @on_one_and_two_ranks
    def test_a_file_that_is_no_fits(self):
        bad = self.folder / "notes.fits"
        bad.write_text("not an image\n" * 500)
        self.assert_quarantines(bad)

    @on_one_and_two_ranks
    def test_an_empty_file(self):
        bad = self.folder / "empty.fits"
        bad.write_bytes(b"")
        self.assert_quarantines(bad)

    @on_one_and_two_ranks
    def test_a_missing_file(self):
        self.assert_quarantines(self.folder / "nowhere.fits", "no such file", "remedy")

    @on_one_and_two_ranks
    def test_a_folder_instead_of_a_file(self):
        bad = self.folder / "folder.fits"
        bad.mkdir()
        self.assert_quarantines(bad)

    @on_one_and_two_ranks
    def test_an_exposure_without_sci(self):
        self.assert_quarantines(write_jwst(self.folder / "nosci_cal.fits", [("ERR", 64, 64), ("DQ", 64, 64)]), "SCI", "ERR")

    @on_one_and_two_ranks
    def test_planes_of_differing_shapes(self):
        bad = write_jwst(self.folder / "odd_cal.fits", [("SCI", 64, 64), ("ERR", 64, 64), ("VAR_RNOISE", 32, 64)])
        self.assert_quarantines(bad, "VAR_RNOISE", "64 x 64", "32 x 64", "remedy")

    @on_one_and_two_ranks
    def test_an_image_without_wcs(self):
        self.assert_quarantines(write_image(self.folder / "nowcs.fits", wcs=[]), "WCS")

    @on_one_and_two_ranks
    def test_a_wcs_beyond_the_pole(self):
        self.assert_quarantines(write_image(self.folder / "pole.fits", dec=95.0))

    @on_one_and_two_ranks
    def test_a_wcs_whose_corners_leave_the_sky(self):
        cards = [(k, v.replace("TAN", "SIN") if isinstance(v, str) else v) for k, v in tan_cards(64, 64, 30.0, 10.0, arcsec=3600 * 4)]
        self.assert_quarantines(write_image(self.folder / "wide.fits", wcs=cards), "remedy")

    @on_one_and_two_ranks
    def test_a_wcs_whose_axes_are_parallel(self):
        cards = [(k, 0.001 if k.startswith("CD") else v) for k, v in tan_cards(64, 64, 30.0, 10.0)]
        self.assert_quarantines(write_image(self.folder / "flat.fits", wcs=cards), "singular")

    @on_one_and_two_ranks
    def test_a_wcs_with_a_matrix_of_zeros(self):
        cards = [(k, 0.0 if k.startswith("CD") else v) for k, v in tan_cards(64, 64, 30.0, 10.0)]
        self.assert_quarantines(write_image(self.folder / "flat.fits", wcs=cards))

    @on_one_and_two_ranks
    def test_all_exposures_broken(self):
        bad = [write_image(self.folder / f"bad{k}.fits", wcs=[]) for k in range(3)]
        outcome = self.mosaic(*bad)
        self.assert_status(outcome, REFUSED)
        self.assertEqual(len(outcome.lines("error")), 3, str(outcome))
        self.assertFalse(self.out.exists())

    @unittest.skipUnless((SHARED / "data/real/m13").exists(), f"needs {SHARED}/data/real/m13")
    @on_one_and_two_ranks
    def test_real_frames_without_wcs(self):
        outcome = self.mosaic(*sorted((SHARED / "data/real/m13").glob("*.fits")))
        self.assert_status(outcome, REFUSED)
        self.assertEqual(len(outcome.lines("error")), 2, str(outcome))
        for line in outcome.lines("error"):
            self.assertRegex(line, "M13_blue_000[12].fits.*WCS")
        self.assertFalse(self.out.exists())


class ExposuresWithoutData(MosaicTest):
    @on_one_and_two_ranks
    def test_an_exposure_that_is_all_nan_is_named(self):
        blank = write_image(self.folder / "blank.fits", values=[NAN] * 4096)
        outcome = self.mosaic(*self.good_images(), blank)
        self.assert_status(outcome, COMPLETE)
        self.assert_one_line(outcome, blank, "NaN", level="warning")

    @on_one_and_two_ranks
    def test_only_exposures_that_are_all_nan_make_no_product(self):
        blank = write_image(self.folder / "blank.fits", values=[NAN] * 4096)
        outcome = self.mosaic(blank)
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "field", "no exposure has a usable pixel")
        self.assert_nothing_made(self.out)

    @on_one_and_two_ranks
    def test_exposures_that_do_not_overlap_are_said_and_made(self):
        apart = write_image(self.folder / "apart.fits", ra=30.02)
        outcome = self.mosaic(*self.good_images(), apart)
        self.assert_status(outcome, COMPLETE)
        self.assert_one_line(outcome, "2 islands", level="warning")
        self.assertTrue(self.product().exists())

    @on_one_and_two_ranks
    def test_exposures_on_opposite_sides_of_the_sky(self):
        outcome = self.mosaic(*self.good_images(1), write_image(self.folder / "far.fits", ra=210, dec=-10))
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "field")
        self.assertFalse(self.out.exists())


class TooLarge(MosaicTest):
    @on_one_and_two_ranks
    def test_a_grid_too_large_for_the_disk(self):
        outcome = self.mosaic(*self.good_images(), "--shape", "3000000,3000000")
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "too large", "3000000 x 3000000", "remedy")
        self.assertFalse(self.out.exists())

    @on_one_and_two_ranks
    def test_a_grid_whose_pixels_cannot_be_counted(self):
        outcome = self.mosaic(*self.good_images(), "--shape", "4000000000,5000000000")
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "too large")

    @on_one_and_two_ranks
    def test_a_grid_of_no_size(self):
        outcome = self.mosaic(*self.good_images(), "--shape", "0,10")
        self.assert_status(outcome, WRONG_USE)
        self.assert_one_line(outcome, "output_shape", "at least 2 pixels")

    @on_one_and_two_ranks
    def test_too_little_memory(self):
        outcome = self.mosaic(*self.good_images(), "--memory-per-rank", "4M")
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "at least", "found 4 MB", "--memory-per-rank")
        self.assertFalse(self.out.exists())


class Configurations(ProgramTest):
    def refuse(self, config, *parts, ranks, status=WRONG_USE, level="error"):
        outcome = self.tessera("run", config, ranks=ranks)
        self.assert_status(outcome, status)
        self.assert_one_line(outcome, *parts, level=level)

    def check(self, version, *parts, **settings):
        survey = Survey.shared()
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                self.refuse(survey.configure(version, **settings), *parts, ranks=ranks)
        self.assertFalse(survey.tree(version).exists())

    def test_an_unknown_setting_of_ours(self):
        self.check("unknown-key", "keep_hdf", "keep_hdf5", tessera="keep_hdf = true")

    def test_an_unknown_band(self):
        self.check("unknown-band", "F301M", "F300M", bands=["F301M"])

    def test_an_unknown_step(self):
        self.check("unknown-step", "lvl3", steps=["lvl3"])

    def test_a_value_of_the_wrong_kind(self):
        self.check("wrong-kind", "pixfrac", resample='pixfrac = "wide"')

    def test_an_unknown_parameter_is_warned_of_and_the_run_goes_on(self):
        survey = Survey.shared()
        outcome = self.tessera("run", survey.configure("unknown-parameter", "pixfrak = 0.8"), ranks=2)
        self.assert_status(outcome, COMPLETE)
        self.assert_one_line(outcome, "pixfrak", "pixfrac", level="warning")

    def test_broken_toml(self):
        path = self.folder / "broken.toml"
        path.write_text('targets = ["a"\nversion = 1\n')
        shutil.copy(Survey.shared().folder / "local.toml", self.folder)
        for ranks in (1, 2):
            self.refuse(path, "broken.toml", ranks=ranks)

    def test_a_missing_configuration(self):
        outcome = self.tessera("run", self.folder / "none.toml", ranks=2)
        self.assert_status(outcome, WRONG_USE)
        self.assertIn("none.toml", outcome.err)

    def test_a_target_without_exposures(self):
        survey = Survey.shared()
        for ranks in (1, 2):
            outcome = self.tessera("run", survey.configure("no-target", targets=["ngc9999"], bands=["F300M"]), ranks=ranks)
            self.assert_status(outcome, REFUSED)
            self.assert_one_line(outcome, "ngc9999", "F300M", "no calibrated exposures")

    def test_a_broken_exposure_of_a_survey_is_quarantined(self):
        survey = Survey.shared()
        exposure = next(p for p in survey.exposures if "mirimage" in p.name)
        original = exposure.read_bytes()
        self.addCleanup(exposure.write_bytes, original)
        exposure.write_bytes(original[:200000])
        for ranks in (1, 2):
            version = f"quarantine{ranks}"
            outcome = self.tessera("run", survey.configure(version), ranks=ranks)
            self.assert_status(outcome, INCOMPLETE)
            self.assert_one_line(outcome, exposure.name)
            for band, rows in (("F300M", 4), ("F1000W", 3)):
                table = next(cards for cards, _ in read_hdus(survey.product(version, band)) if cards.get("EXTNAME") == "HDRTAB")
                self.assertEqual(int(table["NAXIS2"]), rows)
        again = self.tessera("run", survey.configure("quarantine1"), ranks=1)
        self.assert_status(again, INCOMPLETE)

    def test_a_band_with_broken_exposures_only_does_not_stop_the_other(self):
        survey = Survey.shared()
        for exposure in (p for p in survey.exposures if "mirimage" in p.name):
            original = exposure.read_bytes()
            self.addCleanup(exposure.write_bytes, original)
            exposure.write_bytes(original[:200000])
        outcome = self.tessera("run", survey.configure("lost-band"), ranks=2)
        self.assert_status(outcome, INCOMPLETE)
        self.assertEqual(len(outcome.lines("error")), 4, str(outcome))
        self.assertTrue(survey.product("lost-band", "F300M").exists())


class OutputFolders(MosaicTest):
    """Root may write anywhere, so folders that cannot be written are files, or file systems of their own."""

    def mount(self, options):
        self.out.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tessera-test", self.out], capture_output=True).returncode != 0:
            self.skipTest("needs the right to mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "-l", self.out])

    @on_one_and_two_ranks
    def test_a_file_where_the_folder_should_be(self):
        self.out.write_text("in the way")
        outcome = self.mosaic(*self.good_images())
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, self.out, "remedy")
        self.assertEqual(self.out.read_text(), "in the way")

    @on_one_and_two_ranks
    def test_a_read_only_file_system(self):
        self.mount("ro")
        outcome = self.mosaic(*self.good_images())
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, self.out, "Read-only", "remedy")

    @on_one_and_two_ranks
    def test_a_file_system_that_is_too_small(self):
        self.mount("size=1m")
        outcome = self.mosaic(*self.good_images(), "--shape", "600,600")
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, self.out, "free", "remedy")
        self.assert_nothing_made(self.out)

    @on_one_and_two_ranks
    def test_a_file_system_that_fills_up_while_running(self):
        self.mount("size=400m")
        images = self.many_images()
        run = self.start_large(images)
        with open(self.out / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(1 << 20))
            except OSError:
                pass
        outcome = run.wait(60)
        self.assert_status(outcome, INPUT_OUTPUT)
        self.assert_one_line(outcome, "field")
        self.assertFalse((self.out / "field.fits").exists())
        (self.out / "filler").unlink()
        self.assert_status(self.mosaic(*images, "--pixel-scale-ratio", "0.05"), COMPLETE)


class FailingRanks(MosaicTest):
    def test_a_rank_that_loses_its_input_ends_all_ranks_alike(self):
        """An exposure that is cut while the run goes on: only the ranks that still need it meet the error."""
        self.ranks, self.out = 2, self.folder / "out"
        images = self.many_images()
        run = self.start_large(images)
        whole = images[-1].read_bytes()
        os.truncate(images[-1], 20000)
        outcome = run.wait(60)
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, images[-1].name, "truncated")
        self.assertFalse(self.product().exists())
        images[-1].write_bytes(whole)
        self.assert_status(self.mosaic(*images, "--pixel-scale-ratio", "0.05"), COMPLETE)
        self.assertTrue(any(value == value for value in plane(self.product(), "SCI")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
