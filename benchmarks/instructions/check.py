"""Compares counts with those that were accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

#: A count may grow by so much, as a share; hashing and memory layout alone move it by far less.
TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Accepted:
    """Counts, by script, and what they were taken on."""

    environment: Mapping[str, str]
    counts: Mapping[str, int]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that `write` wrote."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Write them down as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def differences(self, environment: Mapping[str, str]) -> list[str]:
        """What is not the same here; where there is anything, counts mean nothing beside each other."""
        names = [*self.environment, *(name for name in environment if name not in self.environment)]
        return [
            f"{name}: {environment.get(name)!r}, accepted on {self.environment.get(name)!r}"
            for name in names
            if environment.get(name) != self.environment.get(name)
        ]

    def verdicts(self, counts: Mapping[str, int]) -> tuple[list[str], bool]:
        """A line for each script, and whether all are good.

        A script without an accepted count is not good: nobody would notice what becomes of it.
        """
        lines: list[str] = []
        good = True
        for name in [*counts, *(name for name in self.counts if name not in counts)]:
            old, new = self.counts.get(name), counts.get(name)
            if old is None or new is None:
                lines.append(f"{name}: {'never accepted' if old is None else 'was not counted'}")
                good = False
                continue
            grown = new / old - 1
            word = "ok"
            if new > old * (1 + TOLERANCE):
                word, good = f"GREW by more than {TOLERANCE:.0%}", False
            elif new < old * (1 - TOLERANCE):
                word = "fell: `make bench-accept` keeps it there"
            lines.append(f"{name}: {new:,} instructions, {grown:+.2%} from {old:,}: {word}")
        return lines, good
