"""Running the program as a person does: alone or under mpirun, with a time limit, and every rank's exit status."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ.get("TESSERA_PROGRAM", "tessera")
SHARED = pathlib.Path(os.environ.get("TESSERA_SHARED", "../shared"))
MPIEXEC = os.environ.get("TESSERA_MPIEXEC", "mpirun")

COMPLETE, WRONG_USE, REFUSED, INCOMPLETE, INPUT_OUTPUT, RESUMABLE = 0, 2, 3, 4, 5, 75

# Each rank runs below a shell that notes its process number and how it ended. The shell itself always ends well, so that
# mpirun neither kills the other ranks early nor adds lines of its own.
WRAPPER = '"$@" & echo $! >$NOTES/pid.$OMPI_COMM_WORLD_RANK; wait $!; echo $? >$NOTES/status.$OMPI_COMM_WORLD_RANK'
LOG_LINE = re.compile(r"^\d\d:\d\d:\d\d (debug|info|warning|error) +(.*)$")


class Outcome:
    """What a run left: the exit statuses of its ranks and its lines."""

    def __init__(self, statuses, out, err):
        self.statuses, self.out, self.err = statuses, out, err

    def lines(self, level):
        found = [LOG_LINE.match(line) for line in self.err.splitlines()]
        return [m.group(2) for m in found if m and m.group(1) == level]

    def __str__(self):
        return f"statuses {self.statuses}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Run:
    """A run in progress."""

    def __init__(self, arguments, ranks=1, threads=1, environment=None):
        self.ranks = ranks
        self.notes = pathlib.Path(tempfile.mkdtemp(prefix="tessera-run-"))
        self.out, self.err = open(self.notes / "out", "w+"), open(self.notes / "err", "w+")
        variables = dict(os.environ, OMP_NUM_THREADS=str(threads), NOTES=str(self.notes), **(environment or {}))
        command = [PROGRAM, *map(str, arguments)]
        if ranks > 1:
            command = [MPIEXEC, "-n", str(ranks), "sh", "-c", WRAPPER, "sh", *command]
        self.process = subprocess.Popen(command, stdout=self.out, stderr=self.err, env=variables, stdin=subprocess.DEVNULL,
                                        start_new_session=True)

    def rank_process(self, rank):
        """Process number of a rank."""
        if self.ranks == 1:
            return self.process.pid
        return int((self.notes / f"pid.{rank}").read_text())

    def send(self, rank, number):
        os.kill(self.rank_process(rank), number)

    def is_running(self):
        return self.process.poll() is None

    def wait(self, timeout=120):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"still running after {timeout} s\n{self.texts()[1]}") from None
        statuses = [code]
        if self.ranks > 1:
            noted = [self.notes / f"status.{rank}" for rank in range(self.ranks)]
            statuses = [int(note.read_text()) if note.exists() and note.read_text().strip() else None for note in noted]
        out, err = self.texts()
        self.out.close()
        self.err.close()
        shutil.rmtree(self.notes)
        return Outcome(statuses, out, err)

    def texts(self):
        self.out.seek(0)
        self.err.seek(0)
        return self.out.read(), self.err.read()


def wait_until(condition, run, what, timeout=60):
    """Polls until `condition()` is true; fails when the run ends or the time is up before."""
    end = time.monotonic() + timeout
    while not condition():
        if not run.is_running() or time.monotonic() > end:
            raise AssertionError(f"never came: {what}\n{run.wait()}")
        time.sleep(0.002)


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def tessera(self, *arguments, ranks=1, threads=1, timeout=120, environment=None):
        return Run(arguments, ranks, threads, environment).wait(timeout)

    def little_memory(self, *command):
        """A little more than the least that the plan accepts, as the program says itself when it is given too little."""
        refused = self.tessera(*command, "--memory-per-rank", "1M")
        return f"{max(int(n) for n in re.findall(r'at least ([0-9]+) MB', refused.out + refused.err)) + 8}M"

    def assert_status(self, outcome, status):
        self.assertEqual(set(outcome.statuses), {status}, str(outcome))

    def assert_one_line(self, outcome, *parts, level="error"):
        """Exactly one line of that level, said once for all ranks, holding all parts."""
        lines = outcome.lines(level)
        self.assertEqual(len(lines), 1, str(outcome))
        for part in parts:
            self.assertIn(str(part), lines[0])
        self.assertNotIn("internal error", outcome.err)

    def assert_nothing_made(self, folder):
        left = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
        self.assertEqual([str(p) for p in left if p.name.endswith((".part", ".h5")) or "_i2d" in p.name or "field" in p.name], [])


def plane_hashes(path):
    """{extension: SHA-256} as the program says them."""
    outcome = Run(["inspect", "--sha256", path]).wait()
    if outcome.statuses != [0]:
        raise AssertionError(str(outcome))
    return dict(re.findall(r"sha256 (\S+) ([0-9a-f]{64})", outcome.out))
