"""The pixels do not depend on ranks, threads, memory, or on how often the run was ended and taken up again."""
import json
import re
import signal
import unittest

from fits_files import checksum_errors
from harness import COMPLETE, RESUMABLE, ProgramTest, Run, plane_hashes, wait_until
from survey import PRODUCTS, Survey

PLANES = {"SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"}
FINE = "rotation = 0.0\npixel_scale_ratio = 0.3"  # 11 times the pixels: enough blocks to be ended among


class SurveyTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.survey = Survey.shared()

    def hashes(self, version, bands=PRODUCTS):
        return {band: plane_hashes(self.survey.product(version, band)) for band in bands}


class SameBits(SurveyTest):
    expected = None

    def setUp(self):
        super().setUp()
        if SameBits.expected is None:
            self.assert_status(self.tessera("run", self.survey.configure("alone")), COMPLETE)
            SameBits.expected = self.hashes("alone")

    def check(self, ranks, threads, memory=""):
        version = f"r{ranks}t{threads}m{memory}"
        config = self.survey.configure(version)
        options = ["--memory-per-rank", self.little_memory("plan", config)] if memory == "little" else []
        self.assert_status(self.tessera("run", config, *options, ranks=ranks, threads=threads), COMPLETE)
        self.assertEqual(self.hashes(version), SameBits.expected)
        for band in PRODUCTS:
            self.assertEqual(checksum_errors(self.survey.product(version, band)), [])

    def test_all_planes_are_there_and_differ(self):
        for hashes in SameBits.expected.values():
            self.assertEqual(set(hashes), PLANES)
            self.assertEqual(len(set(hashes.values())), len(PLANES))

    def test_two_ranks(self):
        self.check(ranks=2, threads=1)

    def test_three_ranks_of_two_threads_with_little_memory(self):
        self.check(ranks=3, threads=2, memory="little")

    def test_four_ranks(self):
        self.check(ranks=4, threads=1)

    def test_two_threads(self):
        self.check(ranks=1, threads=2)

    def test_little_memory_takes_several_waves(self):
        config = self.survey.configure("waves")
        memory = self.little_memory("plan", config)
        waves = [int(w) for w in re.findall(r"^ +0 +\d+ +[\d.]+% +(\d+)", self.tessera("plan", config, "--memory-per-rank", memory).out, re.M)]
        self.assertGreater(waves[0], 2)
        self.check(ranks=1, threads=1, memory="little")
        timing = json.loads((self.survey.tree("r1t1mlittle") / "timing" / "timing.json").read_text())
        self.assertLessEqual(timing["steps"][0]["peak_memory_bytes"], int(memory[:-1]) << 20)


class KillAndRestart(SurveyTest):
    """One band on a fine grid, one block a wave: the journal fills while the run goes on."""

    expected = None

    def setUp(self):
        super().setUp()
        if KillAndRestart.expected is None:
            self.assert_status(self.tessera("run", self.survey.configure("whole", FINE, ["F300M"]), ranks=2), COMPLETE)
            KillAndRestart.expected = self.hashes("whole", ["F300M"])

    def start(self, version, ranks):
        self.config = self.survey.configure(version, FINE, ["F300M"])
        self.memory = self.little_memory("plan", self.config)
        run = Run(["run", self.config, "--memory-per-rank", self.memory], ranks)
        journal = self.survey.journal(version, "F300M")
        wait_until(lambda: journal.is_dir() and sum(p.read_text().count("done") for p in journal.iterdir()) >= 2 * ranks, run,
                   "entries in the journal")
        return run

    def assert_half_made(self, version):
        self.assertFalse(self.survey.product(version, "F300M").exists())
        said = self.tessera("status", self.config).out
        self.assertRegex(said, r"half made: \d+ of \d+ blocks")
        return [int(n) for n in re.search(r"half made: (\d+) of (\d+)", said).groups()]

    def finish(self, version, ranks):
        outcome = self.tessera("run", self.config, ranks=ranks)
        self.assert_status(outcome, COMPLETE)
        there = [line for line in outcome.lines("info") if "blocks are there from an earlier run" in line]
        self.assertEqual(len(there), 1, str(outcome))
        self.assertEqual(self.hashes(version, ["F300M"]), KillAndRestart.expected)
        product = self.survey.product(version, "F300M")
        self.assertEqual([p.name for p in product.parent.iterdir() if p.suffix == ".part" or p.is_dir()], [])

    def test_a_killed_rank_loses_only_the_blocks_in_flight(self):
        run = self.start("killed", ranks=2)
        run.send(1, signal.SIGKILL)
        run.wait(60)
        finished, total = self.assert_half_made("killed")
        self.assertGreaterEqual(finished, 4)
        self.assertLess(finished, total)
        self.finish("killed", ranks=3)

    def test_a_kill_of_the_only_rank_is_taken_up_by_two(self):
        run = self.start("alone-killed", ranks=1)
        run.send(0, signal.SIGKILL)
        run.wait(60)
        self.assert_half_made("alone-killed")
        self.finish("alone-killed", ranks=2)

    def test_a_torn_journal_line_and_an_unknown_file_do_no_harm(self):
        run = self.start("torn", ranks=2)
        run.send(0, signal.SIGKILL)
        run.wait(60)
        finished, _ = self.assert_half_made("torn")
        journal = self.survey.journal("torn", "F300M")
        with open(journal / "rank_00000", "a") as stream:
            stream.write("\n1")
        (journal / "rank_00077").write_text("key 0123\n3 done\n done\n")
        self.assertEqual(self.assert_half_made("torn")[0], finished)
        self.finish("torn", ranks=2)

    def test_usr1_to_one_rank_ends_all_with_75_and_the_run_goes_on(self):
        run = self.start("warned", ranks=2)
        run.send(1, signal.SIGUSR1)
        outcome = run.wait(60)
        self.assert_status(outcome, RESUMABLE)
        self.assertEqual(len(outcome.lines("warning")), 1, str(outcome))
        self.assertIn("run the same command again", outcome.lines("warning")[0])
        self.assert_half_made("warned")
        self.finish("warned", ranks=1)

    def test_term_to_one_rank_ends_all_with_75_and_the_run_goes_on(self):
        run = self.start("ended", ranks=2)
        run.send(0, signal.SIGTERM)
        self.assert_status(run.wait(60), RESUMABLE)
        self.assert_half_made("ended")
        self.finish("ended", ranks=2)

    def test_a_changed_parameter_does_not_take_up_old_blocks(self):
        run = self.start("changed", ranks=1)
        run.send(0, signal.SIGKILL)
        run.wait(60)
        self.config = self.survey.configure("changed", FINE + "\npixfrac = 0.7", ["F300M"])
        outcome = self.tessera("run", self.config, ranks=2)
        self.assert_status(outcome, COMPLETE)
        self.assertNotIn("earlier run", outcome.err)
        self.assertNotEqual(self.hashes("changed", ["F300M"]), KillAndRestart.expected)


class UpToDate(SurveyTest):
    def test_status_before_between_and_after(self):
        config = self.survey.configure("status")
        self.assertEqual(len(re.findall(r"to be made$", self.tessera("status", config).out, re.M)), 2)
        self.assert_status(self.tessera("run", self.survey.configure("status", bands=["F300M"]), ranks=2), COMPLETE)
        between = self.tessera("status", self.survey.configure("status")).out
        self.assertRegex(between, r"f300m_i2d +up to date")
        self.assertRegex(between, r"f1000w_i2d +to be made\n")
        self.assert_status(self.tessera("run", config, ranks=2), COMPLETE)
        self.assertEqual(self.tessera("status", config).out.count("up to date"), 2)

    def test_a_second_run_rewrites_nothing(self):
        config = self.survey.configure("again")
        self.assert_status(self.tessera("run", config, ranks=2), COMPLETE)
        made = {p: p.stat().st_mtime_ns for p in self.survey.tree("again").rglob("lv3/*")}
        self.assertGreaterEqual(len(made), 8)  # FITS, manifest and two pictures a band
        outcome = self.tessera("run", config, ranks=3)
        self.assert_status(outcome, COMPLETE)
        self.assertEqual(sum("up to date" in line for line in outcome.lines("info")), 2)
        self.assertEqual({p: p.stat().st_mtime_ns for p in self.survey.tree("again").rglob("lv3/*")}, made)

    def test_a_changed_parameter_redoes_and_status_says_which(self):
        self.assert_status(self.tessera("run", self.survey.configure("change"), ranks=2), COMPLETE)
        before = self.hashes("change")
        config = self.survey.configure("change", "rotation = 0.0\npixfrac = 0.8")
        self.assertEqual(self.tessera("status", config).out.count("to be made again: parameter pixfrac: 1 -> 0.8"), 2)
        self.assert_status(self.tessera("run", config, ranks=2), COMPLETE)
        after = self.hashes("change")
        for band in PRODUCTS:
            self.assertNotEqual(before[band]["SCI"], after[band]["SCI"])
        self.assertEqual(self.tessera("status", config).out.count("up to date"), 2)

    def test_a_changed_exposure_redoes_only_its_band(self):
        config = self.survey.configure("touched")
        self.assert_status(self.tessera("run", config), COMPLETE)
        exposure = next(p for p in self.survey.exposures if "mirimage" in p.name)
        original = exposure.read_bytes()
        self.addCleanup(exposure.write_bytes, original)
        changed = original.replace(b"'Simulated survey'", b"'Simulated SURVEY'", 1)
        self.assertTrue(changed != original, "the title is not there any more: change another card")
        exposure.write_bytes(changed)
        said = self.tessera("status", config).out
        self.assertRegex(said, r"f300m_i2d +up to date")
        self.assertRegex(said, r"f1000w_i2d +to be made again: input .*mirimage.*: changed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
