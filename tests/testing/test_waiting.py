"""How checks fail and wait."""

from __future__ import annotations

import subprocess
import sys

import pytest

from openline.testing.waiting import expect, until


def test_a_check_fails_with_the_sentence_also_without_asserts() -> None:
    expect(True, "fine")
    program = "from openline.testing.waiting import expect; expect(False, 'the sentence')"
    failed = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False
    )
    assert "AssertionError: the sentence" in failed.stderr


async def test_it_asks_until_it_is_so() -> None:
    answers = iter([False, False, True])

    async def ask() -> bool:
        return next(answers)

    await until(ask, "it is so")
    assert not list(answers)


async def test_it_loses_patience() -> None:
    async def never() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"within 0\.05 s: it is so"):
        await until(never, "it is so", 0.05)
