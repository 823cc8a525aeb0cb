"""tessera crds: best references of exposures, and what a survey needs of a cache that a test makes."""
import hashlib
import pathlib
import unittest

from fits_files import header, write_image
from harness import COMPLETE, INCOMPLETE, REFUSED, WRONG_USE, ProgramTest
from survey import Survey

# Types that image2 asks for, and how they end in a file.
TYPES = {"distortion": "asdf", "filteroffset": "asdf", "flat": "fits", "photom": "fits", "area": "fits"}


class Cache:
    """A CRDS cache for NIRCam and MIRI: one file a type, whatever the exposure."""

    def __init__(self, root):
        self.root = root
        self.mappings = root / "mappings/jwst"
        self.mappings.mkdir(parents=True)
        self.mapping("jwst_0042.pmap", "('META.INSTRUMENT.NAME',)",
                     "{" + ", ".join(f"'{i.upper()}' : 'jwst_{i}_0042.imap'" for i in ("nircam", "miri")) + "}")
        for instrument in ("nircam", "miri"):
            (root / "references/jwst" / instrument).mkdir(parents=True)
            self.mapping(f"jwst_{instrument}_0042.imap", "('REFTYPE',)",
                         "{" + ", ".join(f"'{t.upper()}' : 'jwst_{instrument}_{t}_0042.rmap'" for t in TYPES) + "}")
            for kind in TYPES:
                self.rules(instrument, kind, f"'{self.name(instrument, kind)}'")
                self.reference(instrument, kind).write_bytes(self.content(kind))

    def name(self, instrument, kind):
        return f"jwst_{instrument}_{kind}_0042.{TYPES[kind]}"

    def reference(self, instrument, kind):
        return self.root / "references/jwst" / instrument / self.name(instrument, kind)

    def content(self, kind):
        if TYPES[kind] == "asdf":
            return b"#ASDF 1.0.0\n%YAML 1.1\n--- {meta: {}}\n...\n"
        return header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0)])

    def rules(self, instrument, kind, value, key="'N/A'"):
        self.mapping(f"jwst_{instrument}_{kind}_0042.rmap",
                     "(('META.INSTRUMENT.FILTER',), ('META.OBSERVATION.DATE', 'META.OBSERVATION.TIME'))",
                     f"Match({{({key},) : UseAfter({{'2000-01-01 00:00:00' : {value}}})}})")

    def mapping(self, name, parkey, selector):
        head, tail = f"header = {{\n    'parkey' : {parkey},\n", f"}}\n\nselector = {selector}\n"
        digest = hashlib.sha1((head + tail).encode()).hexdigest()
        (self.mappings / name).write_text(f"{head}    'sha1sum' : '{digest}',\n{tail}")


class CrdsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.cache = Cache(self.folder / "crds")
        self.survey = Survey.shared()
        self.exposure = next(p for p in self.survey.exposures if "nrcalong" in p.name)

    def crds(self, *arguments, ranks=1, **variables):
        return self.tessera("crds", *arguments, ranks=ranks,
                            environment={"CRDS_PATH": str(self.cache.root), "CRDS_CONTEXT": "", **variables})


class BestReferences(CrdsTest):
    def test_every_type_of_an_exposure(self):
        outcome = self.crds("bestrefs", self.exposure)
        self.assert_status(outcome, COMPLETE)
        for kind in TYPES:
            self.assertRegex(outcome.out, rf"(?m)^  {kind} +{self.cache.name('nircam', kind)}$")

    def test_types_that_are_asked_for_and_a_file_that_is_missing(self):
        self.cache.reference("nircam", "flat").unlink()
        outcome = self.crds("bestrefs", self.exposure, "--types", "FLAT,area")
        self.assert_status(outcome, COMPLETE)
        self.assertRegex(outcome.out, r"flat +jwst_nircam_flat_0042.fits +missing")
        self.assertNotIn("photom", outcome.out)

    def test_is_said_once_for_all_ranks(self):
        outcome = self.crds("bestrefs", self.exposure, ranks=2)
        self.assert_status(outcome, COMPLETE)
        self.assertEqual(outcome.out.count("jwst_0042.pmap"), 1)

    def test_na_and_rules_without_an_answer(self):
        self.cache.rules("nircam", "flat", "'N/A'")
        self.cache.rules("nircam", "area", "'x.fits'", key="'F000X'")
        outcome = self.crds("bestrefs", self.exposure, "--types", "flat,area")
        self.assert_status(outcome, REFUSED)
        self.assertRegex(outcome.out, r"flat +N/A")
        self.assertRegex(outcome.out, r"area +error: .*META.INSTRUMENT.FILTER = F300M")

    def test_wrong_names_are_answered_with_the_nearest(self):
        for arguments, status, nearest in ((["bestrefs", self.exposure, "--types", "falt"], WRONG_USE, "flat"),
                                           (["bestrefs", self.exposure, "--context", "jwst_0043.pmap"], REFUSED, "jwst_0042.pmap")):
            outcome = self.crds(*arguments)
            self.assert_status(outcome, status)
            self.assert_one_line(outcome, nearest)
        outcome = self.crds("bestref", self.exposure)
        self.assert_status(outcome, WRONG_USE)
        self.assertIn("bestrefs", outcome.err)

    def test_no_cache_and_files_that_are_no_exposures(self):
        outcome = self.crds("bestrefs", self.exposure, CRDS_PATH="")
        self.assert_status(outcome, WRONG_USE)
        self.assert_one_line(outcome, "CRDS_PATH", "crds_path")
        outcome = self.crds("bestrefs", self.exposure, "--cache", self.folder / "none")
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "no CRDS cache")
        outcome = self.crds("bestrefs", write_image(self.folder / "a.fits"), self.exposure)
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "INSTRUME")
        self.assertIn("jwst_nircam_flat_0042.fits", outcome.out)


class Check(CrdsTest):
    def setUp(self):
        super().setUp()
        self.config = self.survey.configure("crds", steps=["lv2"])
        self.local = self.folder / "local.toml"
        said = (self.survey.folder / "local.toml").read_text()
        paths = {key: self.survey.folder / value for key, value in (("raw_dir", "raw"), ("reprocess_dir", "reprocessed"))}
        self.assertIn("raw_dir", said)
        self.local.write_text("".join(f'{key} = "{path}"\n' for key, path in paths.items()))

    def check(self, *arguments, **variables):
        return self.crds("check", self.config, "--local", self.local, *arguments, **variables)

    def test_all_references_are_there(self):
        outcome = self.check()
        self.assert_status(outcome, COMPLETE)
        self.assertIn("all references are there", outcome.out)
        for instrument in ("nircam", "miri"):
            for kind in TYPES:
                self.assertRegex(outcome.out, rf"(?m)^{kind} +{self.cache.name(instrument, kind)} +present +\d+ ")
        counted = sum(int(line.split()[3]) for line in outcome.out.splitlines() if line.startswith("flat "))
        self.assertEqual(counted, len(self.survey.exposures))

    def test_what_is_missing_broken_or_without_an_answer(self):
        self.cache.reference("nircam", "flat").unlink()
        self.cache.reference("miri", "distortion").write_text("<html>503</html>")
        self.cache.rules("miri", "filteroffset", "'N/A'")
        self.cache.rules("nircam", "filteroffset", "'N/A'")
        (self.cache.mappings / "jwst_miri_photom_0042.rmap").unlink()
        outcome = self.check()
        self.assert_status(outcome, REFUSED)
        self.assertRegex(outcome.out, r"flat +jwst_nircam_flat_0042.fits +missing")
        self.assertRegex(outcome.out, r"distortion +jwst_miri_distortion_0042.asdf +broken")
        self.assertRegex(outcome.out, r"filteroffset +- +error +\d+ +assign_wcs\n +assign_wcs cannot do without it")
        self.assertRegex(outcome.out, r"filteroffset +- +N/A")
        self.assertRegex(outcome.out, r"photom +- +error")
        self.assertIn("4 missing, broken or without an answer", outcome.out)
        names = self.check("--missing")
        self.assert_status(names, REFUSED)
        self.assertEqual(names.out.split(), ["jwst_miri_distortion_0042.asdf", "jwst_nircam_flat_0042.fits"])

    def test_a_step_that_is_skipped_and_an_override_need_nothing_of_crds(self):
        self.cache.reference("nircam", "flat").unlink()
        self.cache.reference("nircam", "photom").unlink()
        mine = write_image(self.folder / "mine.fits")
        with self.config.open("a") as file:
            file.write(f'[parameters.lv2.jwst_parameters]\nphotom.skip = true\nflat_field.override_flat = "{mine}"\n')
        outcome = self.check()
        self.assert_status(outcome, COMPLETE)
        self.assertNotRegex(outcome.out, r"(?m)^photom")
        self.assertRegex(outcome.out, rf"flat +{mine} +present")

    def test_parameters_of_crds_are_honoured_or_switched_off(self):
        names = "jwst_nircam_pars-photomstep_0042"
        self.cache.mapping("jwst_nircam_0042.imap", "('REFTYPE',)", "{" + ", ".join(
            f"'{t.upper()}' : 'jwst_nircam_{t}_0042.rmap'" for t in [*TYPES, "pars-photomstep"]) + "}")
        self.cache.rules("nircam", "pars-photomstep", f"'{names}.asdf'")
        self.cache.reference("nircam", "photom").unlink()
        pars = self.cache.root / f"references/jwst/nircam/{names}.asdf"
        pars.write_text("#ASDF 1.0.0\n%YAML 1.1\n--- {name: photom, class: P, parameters: {skip: true}}\n...\n")
        self.assert_status(self.check(), COMPLETE)
        self.assert_status(self.check(STPIPE_DISABLE_CRDS_STEPPARS="true"), REFUSED)
        pars.unlink()
        outcome = self.check()
        self.assert_status(outcome, REFUSED)
        self.assertRegex(outcome.out, rf"pars-photomstep +{names}.asdf +missing +\d+ +parameters")

    def test_the_cache_of_the_configuration_goes_before_the_environment(self):
        with self.local.open("a") as file:
            file.write(f'crds_path = "{self.cache.root}"\ncrds_context = "jwst_0042.pmap"\n')
        self.assert_status(self.check(CRDS_PATH="/none"), COMPLETE)

    def test_no_exposures_and_a_broken_one(self):
        empty = self.folder / "empty"
        empty.mkdir()
        self.local.write_text(f'raw_dir = "{empty}"\nreprocess_dir = "{empty}"\n')
        outcome = self.check()
        self.assert_status(outcome, REFUSED)
        self.assert_one_line(outcome, "no exposures")
        (empty / "bad_cal.fits").write_text("nothing")
        (empty / "good_cal.fits").write_bytes(self.exposure.read_bytes())
        self.config = self.survey.configure("crds_bad", steps=["lv2"], bands=["F300M"], tessera=f'inputs = ["{empty}"]')
        self.local.write_text(f'raw_dir = "{empty}"\nreprocess_dir = "{self.folder / "made"}"\n')
        outcome = self.check()
        self.assert_status(outcome, INCOMPLETE)
        self.assert_one_line(outcome, "bad_cal.fits", level="warning")


if __name__ == "__main__":
    unittest.main(verbosity=2)
