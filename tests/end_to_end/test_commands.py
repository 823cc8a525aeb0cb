"""Every command but run: what it says, and what it answers to a wrong name."""
import math
import re
import unittest

from fits_files import checksum_errors, plane, read_hdus, write_image
from harness import COMPLETE, INCOMPLETE, REFUSED, WRONG_USE, ProgramTest
from survey import Survey

COMMANDS = ("run", "plan", "status", "mosaic", "export", "inspect", "simulate", "crds", "steps", "explain")


class CommandLine(ProgramTest):
    def test_help_of_the_program_and_of_every_command(self):
        everything = self.tessera("--help")
        self.assert_status(everything, COMPLETE)
        for command in COMMANDS:
            self.assertRegex(everything.out, rf"(?m)^ +{command} ")
            outcome = self.tessera(command, "--help")
            self.assert_status(outcome, COMPLETE)
            self.assertIn("--help", outcome.out)

    def test_help_is_said_once_for_all_ranks(self):
        outcome = self.tessera("run", "--help", ranks=2)
        self.assert_status(outcome, COMPLETE)
        self.assertEqual(outcome.out.count("--on-error"), 1)

    def test_version(self):
        outcome = self.tessera("--version")
        self.assert_status(outcome, COMPLETE)
        self.assertRegex(outcome.out, r"^tessera \d+\.\d+")

    def test_wrong_use_is_said_once_with_the_nearest_name(self):
        for ranks in (1, 2):
            for arguments, nearest in ((["mosiac"], "mosaic"), (["run", "--memry-per-rank", "1G"], "--memory-per-rank"),
                                       (["explain", "level_mach"], "level_match")):
                with self.subTest(ranks=ranks, arguments=arguments):
                    outcome = self.tessera(*arguments, ranks=ranks)
                    self.assert_status(outcome, WRONG_USE)
                    self.assertEqual(outcome.err.count(nearest), 1, str(outcome))

    def test_no_command(self):
        self.assert_status(self.tessera(), WRONG_USE)

    def test_values_that_cannot_be(self):
        image = write_image(self.folder / "a.fits")
        out = ["-o", self.folder / "out" / "field.fits"]
        for wrong in (["--kernel", "squre"], ["--weight-type", "ivn"], ["--fillval", "nothing"], ["--memory-per-rank", "much"],
                      ["--pixfrac", "1.5"], ["--pixel-scale", "-1"], ["--weights", image, image], ["--crval", "1"]):
            for ranks in (1, 2):
                with self.subTest(wrong=wrong, ranks=ranks):
                    outcome = self.tessera("mosaic", image, *out, *wrong, ranks=ranks)
                    self.assert_status(outcome, WRONG_USE)
                    self.assertFalse((self.folder / "out").exists())

    def test_steps_lists_all_and_says_what_is_built(self):
        outcome = self.tessera("steps")
        self.assert_status(outcome, COMPLETE)
        for step in ("lv1", "single_tile_destripe", "lv2", "level_match", "lv3", "astrometric_align"):
            self.assertRegex(outcome.out, rf"\b{step}\b")
        self.assertIn("not yet built", outcome.out)

    def test_explain_names_parameters_with_defaults(self):
        outcome = self.tessera("explain", "lv3")
        self.assert_status(outcome, COMPLETE)
        self.assertIn("pixfrac", outcome.out)


class Plan(ProgramTest):
    def test_a_plan_for_many_ranks_shares_the_blocks_out(self):
        outcome = self.tessera("plan", Survey.shared().configure("plan"), "--ranks", "5")
        self.assert_status(outcome, COMPLETE)
        rows = re.findall(r"^ +(\d) +(\d+) +[\d.]+% +\d+ ", outcome.out, re.M)
        self.assertEqual([int(rank) for rank, _ in rows], list(range(5)))
        totals = re.findall(r"^ngc0001_\S+ +4 +\d+ x \d+ +[\d.]+ +(\d+) ", outcome.out, re.M)
        self.assertEqual(sum(int(blocks) for _, blocks in rows), sum(int(n) for n in totals))
        self.assertFalse(Survey.shared().tree("plan").exists())

    def test_a_plan_that_cannot_work_says_so(self):
        outcome = self.tessera("plan", Survey.shared().configure("plan"), "--memory-per-rank", "2M", ranks=2)
        self.assert_status(outcome, REFUSED)
        self.assertEqual(outcome.out.count("cannot run:"), 2, str(outcome))

    def test_a_step_that_is_not_built_is_refused_or_left_out(self):
        config = Survey.shared().configure("unbuilt", steps=["persistence", "lv3"])
        refused = self.tessera("run", config, ranks=2)
        self.assert_status(refused, REFUSED)
        self.assert_one_line(refused, "persistence")
        self.assert_status(self.tessera("run", config, "--skip-unbuilt", ranks=2), COMPLETE)

    def test_the_configuration_that_simulate_writes_runs_as_it_is(self):
        self.assert_status(self.tessera("run", Survey.shared().folder / "config.toml", ranks=2), COMPLETE)


class Mosaic(ProgramTest):
    def test_a_constant_stays_a_constant_and_weights_and_masks_count(self):
        image = write_image(self.folder / "flat.fits", values=[2.5] * 4096)
        bright = write_image(self.folder / "bright.fits", values=[9.5] * 4096)
        ones = write_image(self.folder / "w1.fits", values=[1.0] * 4096)
        threes = write_image(self.folder / "w3.fits", values=[3.0] * 4096)
        good = write_image(self.folder / "m0.fits", values=[0] * 4096, integers=True)
        half = write_image(self.folder / "m1.fits", values=[k % 64 < 32 for k in range(4096)], integers=True)
        out = self.folder / "field.fits"
        outcome = self.tessera("mosaic", image, bright, "--weights", ones, threes, "--masks", good, half, "-o", out, ranks=2)
        self.assert_status(outcome, COMPLETE)
        self.assertEqual(checksum_errors(out), [])
        cards = read_hdus(out)[1][0]
        nx, ny = int(cards["NAXIS1"]), int(cards["NAXIS2"])
        sci = plane(out, "SCI")
        left, right = sci[ny // 2 * nx + nx // 4], sci[ny // 2 * nx + 3 * nx // 4]
        values = sorted((left, right))  # the mask may lie on either side: the grid has an orientation of its own
        self.assertAlmostEqual(values[0], 2.5, places=5)
        self.assertAlmostEqual(values[1], (2.5 * 1 + 9.5 * 3) / 4, places=5)

    def test_keep_hdf5_and_the_plan_alone(self):
        image, out = write_image(self.folder / "a.fits"), self.folder / "out"
        planned = self.tessera("mosaic", image, "-o", out / "field.fits", "--plan")
        self.assert_status(planned, COMPLETE)
        self.assertIn("blocks", planned.out)
        self.assertFalse(out.exists())
        self.assert_status(self.tessera("mosaic", image, "-o", out / "field.fits", "--keep-hdf5", ranks=2), COMPLETE)
        self.assertEqual(sorted(p.name for p in out.iterdir()),
                         ["field.fits", "field.fits.manifest.json", "field.h5", "field_report", "field_sci.png", "field_wht.png"])


class Export(ProgramTest):
    def setUp(self):
        super().setUp()
        self.survey = Survey.shared()
        self.config = self.survey.configure("export")

    def test_flat_layout_holds_every_exposure_as_it_is_in_its_file(self):
        outcome = self.tessera("export", self.config, "-o", self.folder / "flat", ranks=2)
        self.assert_status(outcome, COMPLETE)
        made = sorted((self.folder / "flat").rglob("*.fits"))
        self.assertEqual(sorted(p.name for p in made), sorted(p.name for p in self.survey.exposures))
        self.assertEqual({p.parent.relative_to(self.folder / "flat").as_posix() for p in made}, {"ngc0001/F300M", "ngc0001/F1000W"})
        source = {p.name: p for p in self.survey.exposures}
        for path in made[::3]:
            self.assertEqual(checksum_errors(path), [])
            flags, before, after = plane(path, "DQ"), plane(source[path.name], "SCI"), plane(path, "SCI")
            self.assertEqual(plane(source[path.name], "DQ"), flags)
            self.assertGreater(sum(f & 1 for f in flags), 0)
            for flag, old, new in zip(flags, before, after):
                self.assertTrue(math.isnan(new) if flag & 1 else (old == new or (math.isnan(old) and math.isnan(new))))
            self.assert_consistent(path)

    def assert_consistent(self, path):
        """S_REGION of the header is the outline that inspect computes from the gwcs; SIP is there."""
        cards = read_hdus(path)[1][0]
        self.assertEqual(cards["CTYPE1"], "RA---TAN-SIP")
        said = self.tessera("inspect", path).out
        self.assertIn("gwcs", said)
        outline = re.search(r"POLYGON ICRS +(.*)", said).group(1).split()
        self.assertEqual(len(outline), 8)
        for mine, theirs in zip(map(float, outline), map(float, cards["S_REGION"].split()[2:])):
            self.assertAlmostEqual(mine, theirs, places=8)

    def test_pjpipe_layout_lies_in_the_step_folders(self):
        outcome = self.tessera("export", self.config, "--layout", "pjpipe", "--after", "none", "--band", "F1000W")
        self.assert_status(outcome, COMPLETE)
        made = sorted(p.relative_to(self.survey.tree("export")).as_posix() for p in self.survey.tree("export").rglob("*.fits"))
        names = sorted(p.name for p in self.survey.exposures if "mirimage" in p.name)
        self.assertEqual(made, [f"ngc0001/F1000W/cal/{name}" for name in names])

    def test_one_exposure(self):
        root = self.survey.exposures[0].name.removesuffix("_cal.fits")
        self.assert_status(self.tessera("export", self.config, "-o", self.folder / "one", "--exposure", root, ranks=2), COMPLETE)
        self.assertEqual([p.name for p in (self.folder / "one").rglob("*.fits")], [root + "_cal.fits"])

    def test_unknown_names_are_answered_with_the_nearest(self):
        for option, wrong, right in (("--band", "F300N", "F300M"), ("--target", "ngc001", "ngc0001"), ("--after", "levelmatch", "")):
            for ranks in (1, 2):
                with self.subTest(option=option, ranks=ranks):
                    outcome = self.tessera("export", self.config, "-o", self.folder / "no", option, wrong, ranks=ranks)
                    self.assert_status(outcome, WRONG_USE)
                    self.assert_one_line(outcome, wrong, right)

    def test_flat_layout_needs_a_folder(self):
        outcome = self.tessera("export", self.config, ranks=2)
        self.assert_status(outcome, WRONG_USE)
        self.assert_one_line(outcome, "--output")


class Inspect(ProgramTest):
    def test_says_planes_wcs_and_hashes(self):
        outcome = self.tessera("inspect", "--sha256", "--header", write_image(self.folder / "a.fits"))
        self.assert_status(outcome, COMPLETE)
        self.assertIn("64 x 64", outcome.out)
        self.assertIn("FITS TAN", outcome.out)
        self.assertRegex(outcome.out, r"sha256 PRIMARY [0-9a-f]{64}")
        self.assertIn("CRVAL1", outcome.out)

    def test_an_image_without_wcs_is_shown_all_the_same(self):
        outcome = self.tessera("inspect", write_image(self.folder / "a.fits", wcs=[]))
        self.assert_status(outcome, COMPLETE)
        self.assertIn("64 x 64", outcome.out)
        self.assertIn("no celestial WCS", outcome.out)

    def test_a_broken_file_is_refused_on_all_ranks(self):
        bad = self.folder / "bad.fits"
        bad.write_text("nothing")
        for ranks in (1, 2):
            outcome = self.tessera("inspect", bad, ranks=ranks)
            self.assert_status(outcome, REFUSED)
            self.assert_one_line(outcome, bad)


class Simulate(ProgramTest):
    def test_an_unknown_setting(self):
        settings = self.folder / "simulate.toml"
        settings.write_text('bands = ["F300M"]\n[[targets]]\nname = "a"\nra = 1\ndec = 2\n[detectors]\nnircam_sise = 256\n')
        for ranks in (1, 2):
            outcome = self.tessera("simulate", settings, "-o", self.folder / "out", ranks=ranks)
            self.assert_status(outcome, WRONG_USE)
            self.assert_one_line(outcome, "nircam_sise", "nircam_size")
            self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
