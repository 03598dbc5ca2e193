"""The guards of conftest.py: each kind of litter fails the test that leaves it, and a clean test passes."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

SAMPLES = """
import asyncio, os, socket, time
import pytest
from hypothesis import given, strategies

kept = []

async def test_clean():
    await asyncio.create_task(asyncio.sleep(0))

class TestMethod:
    @given(strategies.integers())
    async def test_clean_property(self, number):
        await asyncio.sleep(0)
        assert isinstance(number, int)

@given(strategies.integers())
async def test_wrong_property(number):
    assert number < 100

async def test_task_left():
    kept.append(asyncio.create_task(asyncio.sleep(60)))

def test_descriptor_left():
    kept.append(os.open("/dev/null", os.O_RDONLY))

def test_socket_never_closed():
    socket.socket()

async def test_coroutine_never_awaited():
    asyncio.sleep(0)

async def test_exception_never_retrieved():
    asyncio.get_running_loop().create_future().set_exception(ValueError("lost"))

@pytest.mark.timeout(0.2)
async def test_coroutine_too_slow():
    await asyncio.sleep(60)

@pytest.mark.timeout(0.2)
def test_function_too_slow():
    time.sleep(60)
"""

EXPECTED = {
    "test_clean": None,
    "test_clean_property": None,
    "test_wrong_property": "assert",
    "test_task_left": "tasks left behind",
    "test_descriptor_left": "descriptors left open",
    "test_socket_never_closed": "unclosed <socket",
    "test_coroutine_never_awaited": "was never awaited",
    "test_exception_never_retrieved": "exception was never retrieved",
    "test_coroutine_too_slow": "not done after 0.2 s",
    "test_function_too_slow": "not done after 0.2 s",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """For each sample: None where it passed, else the text of its failure."""
    folder = tmp_path_factory.mktemp("samples")
    samples = folder / "test_samples.py"
    samples.write_text(SAMPLES)
    report = folder / "report.xml"
    root = Path(__file__).parents[1]
    options = ["-q", f"--rootdir={folder}", f"-c{root / 'pyproject.toml'}", f"--junit-xml={report}"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-ptests.conftest", "-pno:cacheprovider", *options, str(samples)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    found: dict[str, str | None] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [*case.iter("failure"), *case.iter("error")]
        found[case.attrib["name"]] = "".join(f"{f.get('message')} {f.text}" for f in failures) or None
    return found


def test_every_sample_has_an_outcome(outcomes: dict[str, str | None]) -> None:
    assert outcomes.keys() == EXPECTED.keys()


@pytest.mark.parametrize("sample", EXPECTED)
def test_guard(outcomes: dict[str, str | None], sample: str) -> None:
    expected = EXPECTED[sample]
    if expected is None:
        assert outcomes[sample] is None
    else:
        assert expected in (outcomes[sample] or "passed")
