"""Counts instructions and compares with those accepted: ``python -m benchmarks.instructions [--accept]``."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.instructions import counter
from benchmarks.instructions.check import Accepted
from benchmarks.instructions.environment import environment
from benchmarks.native import BuildError

ACCEPTED = Path(__file__).parent / "accepted.json"

#: Seconds for all scripts together.
LIMIT = 240


def count(library: Path) -> dict[str, int]:
    """Run the scripts under callgrind.

    Args:
        library: What `counter.build` returned.

    Returns:
        Instructions by script.

    Raises:
        RuntimeError: They failed; carries their last words.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            "--collect-atstart=no",
            f"--callgrind-out-file={folder}/out",
            sys.executable,
            "-m",
            "benchmarks.instructions.scripts",
            str(library),
        ]
        # Nothing of the caller's environment gets in: its size alone moves the stack.
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        settings = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "OPENLINE_ENGINE": "native"}
        ended = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            env=kept | settings,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(f"the scripts failed:\n{ended.stderr}")
        return _read(Path(folder))


def _read(folder: Path) -> dict[str, int]:
    """Each dump is a file, which names its script, and ends with the sum."""
    counts: dict[str, int] = {}
    for path in sorted(folder.iterdir()):
        text = path.read_text(errors="replace")
        name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        if name and total and int(total[1]):
            counts[name[1]] = int(total[1])
    return counts


def main() -> int:
    """Count, and compare or accept.

    Returns:
        1 when a count grew too much, or the scripts failed; else 0, also where the check does not apply.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("--accept", action="store_true", help="write the counts down as the right ones")
    accepting = parser.parse_args().accept
    if shutil.which("valgrind") is None:
        print("there is no valgrind here: instructions are not counted")
        return int(accepting)
    try:
        library = counter.build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    here = environment()
    accepted = None if accepting else Accepted.read(ACCEPTED)
    differences = accepted.differences(here) if accepted else []
    if differences:
        print("the accepted counts do not apply here, since this is not what they were taken on:")
        print(*(f"  {difference}" for difference in differences), sep="\n")
        return 0
    counts = count(library)
    if accepted is None:
        Accepted(here, counts).write(ACCEPTED)
        print(*(f"{name}: {number:,} instructions" for name, number in counts.items()), sep="\n")
        return 0
    lines, good = accepted.verdicts(counts)
    print(*lines, sep="\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
