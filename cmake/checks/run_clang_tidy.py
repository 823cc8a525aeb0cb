#!/usr/bin/env python3
"""run_clang_tidy.py --build BUILD --source ROOT --tool clang-tidy-14 [--jobs N] [--newest] [FILE...]: clang-tidy over src/,
remembered.

Runs the checks of ROOT/.clang-tidy over every file of src/ in BUILD/compile_commands.json (or those named), N at a
time, with the flags that g++ was given less what clang does not know. What a clean run said is remembered in
BUILD/clang-tidy/ under a hash of the file, the project headers it includes, its flags and the checks, so that only what
changed is looked at again. --newest: only what the newest commit and the working tree changed (all takes ten minutes on
two cores: jobs/lint.sh). Ends with 1 if clang-tidy found anything; prints the slowest file and the totals.
"""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)
# Not for clang: launchers in front, outputs, and warnings (clang-tidy's own checks are what is asked for here).
DROPPED = re.compile(r"-W(?!l,)|-M|-ffp-contract|-fsanitize|-fno-omit-frame-pointer|-O|-g")


def project_includes(file, root, seen):
    """The file and every project header that it includes, directly or not."""
    if file in seen or not file.is_file():
        return seen
    seen.add(file)
    for name in INCLUDE.findall(file.read_text()):
        for folder in (file.parent, root / "include"):
            if (folder / name).is_file():
                project_includes((folder / name).resolve(), root, seen)
    return seen


def clang_flags(command):
    """The flags of one compile command, less the compiler, the file, the output and what only g++ knows."""
    words, kept, skip = shlex.split(command["command"]), [], False
    start = next(i for i, word in enumerate(words) if re.search(r"(\+\+|cc|clang|wrapper)[-\d.]*$", word)
                 and "ccache" not in word)
    for word in words[start + 1:]:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT", "-MQ"):
            skip = True
        elif word in ("-c", "-MD", "-MMD", command["file"]) or DROPPED.match(word):
            pass
        else:
            kept.append(word)
    return kept


def newest_files(root):
    """Files that the newest commit or the working tree changed; empty without git or in a clone of one commit."""
    changed = set()
    for arguments in (["diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD"], ["diff", "--name-only", "HEAD"],
                      ["ls-files", "--others", "--exclude-standard"]):
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
        changed.update((root / name).resolve() for name in done.stdout.split("\n") if name)
    return changed


class Tidy:
    def __init__(self, options):
        self.root, self.tool = pathlib.Path(options.source).resolve(), options.tool
        self.cache = pathlib.Path(options.build) / "clang-tidy"
        self.cache.mkdir(exist_ok=True)
        self.checks = (self.root / ".clang-tidy").read_bytes()

    def run(self, command):
        """(what clang-tidy said or '', seconds or None when remembered) of one file."""
        file, flags = pathlib.Path(command["file"]).resolve(), clang_flags(command)
        key = hashlib.sha256(self.checks + "\0".join([self.tool, *flags]).encode())
        for part in sorted(project_includes(file, self.root, set())):
            key.update(b"\0" + str(part.relative_to(self.root)).encode() + b"\0" + part.read_bytes())
        stamp = self.cache / key.hexdigest()
        if stamp.exists():
            return "", None
        start = time.monotonic()
        done = subprocess.run([self.tool, "--quiet", str(file), "--", *flags, "-w", "-std=c++20"],
                              cwd=command["directory"], capture_output=True, text=True)
        said = re.sub(r"^\d+ warnings? .*\n?", "", done.stdout + (done.stderr if done.returncode else ""), flags=re.M)
        if done.returncode == 0 and not said.strip():
            stamp.touch()
            said = ""
        return said or ("" if done.returncode == 0 else f"{file}: {self.tool} ended with {done.returncode}\n"), \
            time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--tool", default="clang-tidy-14")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--newest", action="store_true", help="only what the newest commit and the working tree changed")
    parser.add_argument("files", nargs="*", help="only these (default: every file of src/)")
    options = parser.parse_args()
    wanted = {pathlib.Path(name).resolve() for name in options.files}
    sources = pathlib.Path(options.source).resolve() / "src"
    commands = {}
    for command in json.loads((pathlib.Path(options.build) / "compile_commands.json").read_text()):
        file = pathlib.Path(command["file"]).resolve()
        if file in wanted or (not wanted and sources in file.parents):
            commands[file] = command
    if options.newest:
        newest = newest_files(pathlib.Path(options.source).resolve())
        commands = {file: command for file, command in commands.items() if file in newest}
        if not commands:
            print("clang-tidy: the newest commit changes no file of src/")
            return 0
    if not commands:
        sys.exit("run_clang_tidy: no file of src/ in compile_commands.json")
    tidy, start, bad, ran = Tidy(options), time.monotonic(), 0, []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for file, (said, seconds) in zip(commands, pool.map(tidy.run, commands.values())):
            if seconds is not None:
                ran.append((seconds, file.name))
            if said:
                bad += 1
                print(said, flush=True)
    slowest = "" if not ran else ", slowest {1} {0:.1f} s".format(*max(ran))
    print(f"clang-tidy: {len(commands)} files, {len(ran)} run{slowest}, {bad} with findings, "
          f"{time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
