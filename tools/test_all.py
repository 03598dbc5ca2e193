"""Runs all tests of openline, stage after stage, and says at the end what went wrong.

Usage: python tools/test_all.py [--list] [STAGE...]

Without arguments every stage runs. A stage that fails does not stop the others; the exit status is 1 when any
failed. What cannot run on this machine is named with its reason, before and after.

Stages stand in two lanes, which run side by side where there are two cores; a lane that is through helps the other.
What a stage prints is shown when it ends, and kept in artifacts/stages. The very end tells once more why each stage
failed that did: a record of the run that keeps only its end has the reasons, too.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
PYTHON_VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")

# Folders with a stage of their own; the others are the matrix.
OWN_STAGE = ("tests/protocol", "tests/interop", "tests/browser", "tests/docs", "tests/test_packaging.py")
HUB = (
    "tests/hub",
    "tests/testing",
    "tests/integrations",
    "tests/documents",
    "tests/rooms",
    "tests/notifications",
    "tests/playground",
)
MATRIX = ["tests", *(f"--ignore={folder}" for folder in OWN_STAGE)]
ON_EVERY_PYTHON = [
    "tests/protocol",
    "tests/engine",
    "tests/websocket",
    "tests/hub/test_eager.py",  # which goes different ways on different Pythons
    "tests/hub/test_session.py",
    "tests/hub/conformance",
]
# Of conformance what native code has a part in; handshakes, closing and negotiation are Python's on every engine.
NATIVE_CASES = ("framing", "fragmentation", "limits", "utf8", "deflate_messages")
# What they show hangs on the codec and the engine, and neither on the loop nor on who calls the portable driver.
ONCE = [f"--ignore=tests/conformance/test_{name}.py" for name in NATIVE_CASES]
UNDER_SANITIZERS = [
    "tests/engine",
    "tests/websocket",
    *(f"tests/conformance/test_{name}.py" for name in NATIVE_CASES),
    "-k",
    "not handshake",
]
LOGS = ROOT / "artifacts" / "stages"
REASON = 80  # lines of a failed stage that are shown again at the end
PRINTING = threading.Lock()


@dataclass(frozen=True)
class Stage:
    """Commands that run one after the other until one fails."""

    name: str
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None  # why it cannot run here
    network: bool = False  # its commands may install packages, and keep the proxy variables for that
    lane: int = 0  # where it stands; see `run_lanes`
    builds: bool = False  # writes into build/, where no other may write meanwhile


@dataclass(frozen=True)
class Result:
    """What became of a stage."""

    stage: Stage
    good: bool
    words: str


def pytest(*arguments: str, python: str = PYTHON) -> list[str]:
    """A command that runs tests; what is slow shows."""
    return [python, "-m", "pytest", "--durations=5", "--durations-min=2", *arguments]


def stages() -> Iterator[Stage]:
    """All stages, in their order: what is quick and fails most often comes first."""
    native = {"OPENLINE_ENGINE": "native"}
    yield Stage("lint", [["ruff", "check", "."], ["ruff", "format", "--check", "."]])
    yield Stage("types", [["pyright"]], network=True)  # pyright fetches itself when it first runs
    yield Stage(
        "protocol",
        [
            [PYTHON, "-m", "coverage", "run", "-m", "pytest", "tests/protocol"],
            [PYTHON, "-m", "coverage", "report", "--fail-under=100"],
        ],
    )
    yield Stage("native-asyncio", [pytest(*MATRIX, *(f"--ignore={folder}" for folder in HUB))], native)
    yield Stage("hub", [pytest(*HUB)], native)
    uvloop = native | {"OPENLINE_TEST_LOOP": "uvloop"}
    yield Stage("native-uvloop", [pytest("-m", "engine or native", *MATRIX, *ONCE)], uvloop)
    yield Stage("portable-asyncio", [pytest("-m", "engine", *MATRIX, *ONCE)], {"OPENLINE_ENGINE": "portable"})
    yield Stage("pure", [pytest("-m", "engine", *MATRIX), pytest("tests/protocol")], {"OPENLINE_PURE": "1"})
    yield Stage("packaging", [pytest("tests/test_packaging.py")], native, lane=1, builds=True)
    yield Stage("interop", [pytest("tests/interop")], native, lane=1)
    missing = None if shutil.which("chromium") else "there is no chromium"
    yield Stage("browser", [pytest("tests/browser")], native, missing, lane=1)
    yield Stage("docs", [pytest("tests/docs")], native, lane=1)
    missing = None if shutil.which("valgrind") else "there is no valgrind"
    yield Stage("instructions", [[PYTHON, "-m", "benchmarks.instructions"]], {}, missing, lane=1)
    yield sanitizers()
    for version in PYTHON_VERSIONS:
        if version != "{}.{}".format(*sys.version_info):
            yield other_python(version)


def sanitizers() -> Stage:
    """The native code under AddressSanitizer and UndefinedBehaviorSanitizer."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return Stage("asan", [], missing="there is no gcc")
    library = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not os.path.isabs(library):
        return Stage("asan", [], missing="gcc is here without libasan")
    environment = {
        "OPENLINE_ENGINE": "native",
        "PYTHONPATH": str(ROOT / "build/asan/lib"),
        "PYTHONMALLOC": "malloc",  # or Python's own allocator would hide what is done with freed memory
        "ASAN_OPTIONS": "detect_leaks=0",  # Python itself leaves memory to the end of the process
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    # env(1) sets LD_PRELOAD for the tests alone: make and the compiler do without.
    run = ["env", f"LD_PRELOAD={library}", *pytest(*UNDER_SANITIZERS)]
    return Stage(
        "asan", [["make", "--no-print-directory", "native-debug"], run], environment, lane=1, builds=True
    )


def other_python(version: str) -> Stage:
    """The tests of protocol, engine and API on another Python, against the wheel that it builds."""
    name = f"python{version}"
    base = find_python(version)
    if base is None:
        return Stage(name, [], missing="it is not installed")
    environment = ROOT / f".venv-{version}"
    python = str(environment / "bin/python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return Stage(
        name,
        [
            [base, "-m", "venv", str(environment)],
            [*install, "setuptools>=77", "Cython>=3.1,<4"],
            # setuptools never removes from build/lib what is gone from src; a wheel would carry it on.
            ["find", "build", "-maxdepth", "1", "-name", "lib*", "-exec", "rm", "-r", "{}", "+"],
            [*install, "--no-build-isolation", ".[test]"],
            [*install, "--no-build-isolation", "--no-deps", "--force-reinstall", "."],
            pytest(*ON_EVERY_PYTHON, python=python),
        ],
        {"OPENLINE_ENGINE": "native"},
        network=True,
        lane=1,
        builds=True,
    )


def find_python(version: str) -> str | None:
    """An interpreter of a version, such as "3.12", on PATH or among those of pyenv."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    installed = sorted(glob.glob(f"{pyenv}/versions/{version}.*/bin/python{version}"), reverse=True)
    for candidate in filter(None, [shutil.which(f"python{version}"), *installed]):
        # A shim of pyenv is there for versions, too, that are not switched on.
        probe = [candidate, "-c", "import ensurepip, venv, sys; print('{}.{}'.format(*sys.version_info))"]
        answer = subprocess.run(probe, capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return candidate
    return None


def environment_for(stage: Stage) -> dict[str, str]:
    """Our own environment without what would bend the tests, and with what the stage adds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENLINE_")}
    if not stage.network:
        kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    path = os.pathsep.join([str(Path(PYTHON).parent), kept.get("PATH", os.defpath)])
    return kept | {"PATH": path} | dict(stage.environment)


def run(stage: Stage) -> Result:
    """Run one stage, its output into a file of its own, which is printed at its end."""
    if stage.missing:
        return Result(stage, True, f"not run: {stage.missing}")
    log = LOGS / f"{stage.name}.txt"
    start = time.monotonic()
    good = True
    with log.open("w") as output:
        for command in stage.commands:
            print("$", *command, file=output, flush=True)
            ended = subprocess.run(
                command,
                cwd=ROOT,
                env=environment_for(stage),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            if ended.returncode:
                print(f"exit status {ended.returncode}", file=output)
                good = False
                break
    seconds = time.monotonic() - start
    text = log.read_text(errors="replace")
    with PRINTING:
        print(f"\n=== {stage.name} ===\n{text}", end="", flush=True)
    counts = "; ".join(re.findall(r"^=+ (\d.*) in [\d.]+s.*=+$", text, re.MULTILINE))
    return Result(stage, good, f"{'ok' if good else 'FAILED':<7}{seconds:6.0f} s  {counts}".rstrip())


def run_lanes(chosen: Sequence[Stage]) -> list[Result]:
    """Run stages lane beside lane, on one core lane after lane; the results in the order of the stages.

    Those that build stand in one lane, so that they follow each other, and come first there. The lane that is through
    first takes over what is left in the other, from its end, and builds nothing.
    """
    in_order = sorted(chosen, key=lambda stage: not stage.builds)  # stable: else the order stays
    lanes = [[stage for stage in in_order if stage.lane == lane] for lane in (0, 1)]
    taking = threading.Lock()

    def take(own: list[Stage], other: list[Stage]) -> Stage | None:
        with taking:
            if own:
                return own.pop(0)
            return other.pop() if other and not other[-1].builds else None

    def run_lane(number: int) -> list[Result]:
        results: list[Result] = []
        while stage := take(lanes[number], lanes[1 - number]):
            results.append(run(stage))
        return results

    with ThreadPoolExecutor(min(len(lanes), os.cpu_count() or 1)) as pool:
        results = [result for results in pool.map(run_lane, range(len(lanes))) for result in results]
    return sorted(results, key=lambda result: chosen.index(result.stage))


def reason(stage: Stage) -> str:
    """Why a stage failed: the end of the last command's output; of pytest's, what it says of each failure."""
    lines = (LOGS / f"{stage.name}.txt").read_text(errors="replace").splitlines()
    for number, line in enumerate(lines):
        if re.fullmatch(r"=+ (FAILURES|ERRORS) =+", line):
            failures = lines[number:]
            break
    else:
        failures = lines
    cut = len(failures) - REASON
    if cut > 0:
        # Both ends: the first failure is often why the others failed, and the end has the names of all.
        head = REASON // 2
        failures = [*failures[:head], f"[{cut} lines are left out]", *failures[head + cut :]]
    return "\n".join(failures)


def main(arguments: list[str]) -> int:
    """Run the stages that are asked for and print what became of each."""
    known = list(stages())
    if "--list" in arguments:
        print(*(stage.name for stage in known), sep="\n")
        return 0
    unknown = set(arguments) - {stage.name for stage in known}
    if unknown:
        print(f"no such stage: {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    chosen = [stage for stage in known if not arguments or stage.name in arguments]
    for stage in chosen:
        if stage.missing:
            print(f"{stage.name}: will not run, {stage.missing}")
    LOGS.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    results = run_lanes(chosen)
    print("\n=== stages ===")
    for result in results:
        print(f"{result.stage.name:<18}{result.words}")
    failed = sum(not result.good for result in results)
    verdict = f"{failed} of {len(chosen)} stages failed" if failed else "all stages that ran are good"
    print(f"{verdict}; {time.monotonic() - start:.0f} s in all")
    for result in results:
        if not result.good:
            print(f"\n--- {result.stage.name} failed ---\n{reason(result.stage)}")
    if failed:
        print(f"\n{verdict}: {', '.join(result.stage.name for result in results if not result.good)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
