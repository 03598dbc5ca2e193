"""What is handed out: the source distribution, and the wheel of a machine without a compiler.

That a wheel with the native modules works is seen by the stages of `make test` for other Python versions, which build
one, install it, and run the tests on it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NATIVE = ROOT / "src/openline/engine/native"


def build(kind: str, source: Path, output: Path, **environment: str) -> tuple[Path, str]:
    """Build with the backend that pyproject.toml names; the archive, and what the build printed."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from setuptools import build_meta; build_meta.build_{kind}({str(output)!r})",
        ],
        cwd=source,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (archive,) = (path for path in output.iterdir() if path.suffix in (".whl", ".gz"))
    return archive, run.stdout


@pytest.fixture(scope="module")
def source_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive, _ = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
    return archive


@pytest.fixture(scope="module")
def unpacked(source_distribution: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(source_distribution) as archive:
        archive.extractall(folder, filter="data")
    return folder / source_distribution.name.removesuffix(".tar.gz")


def test_source_distribution_has_the_cython_sources_and_nothing_generated(unpacked: Path) -> None:
    files = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}
    native = {
        path.relative_to(ROOT) for suffix in ("pyx", "pxd", "pyi", "h") for path in NATIVE.glob(f"*.{suffix}")
    }
    assert native
    assert native <= files
    assert {Path("LICENSE"), Path("CHANGELOG.md"), Path("src/openline/py.typed")} <= files
    generated = {path for path in files if path.suffix in (".c", ".so", ".pyc") and "src" in path.parts}
    assert not generated
    assert not {path for path in files if "node_modules" in path.parts}


@pytest.mark.timeout(120)
def test_without_a_compiler_the_wheel_is_pure_and_the_build_says_so_in_one_line(
    unpacked: Path, tmp_path: Path
) -> None:
    archive, printed = build("wheel", unpacked, tmp_path, CC="/bin/false")
    lines = [line for line in printed.splitlines() if line.startswith("openline:")]
    assert lines == ["openline: the C compiler (/bin/false) failed; installing pure Python instead"]
    names = zipfile.ZipFile(archive).namelist()
    assert "openline/py.typed" in names
    assert not [name for name in names if name.endswith((".so", ".pyx", ".c"))]
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(tmp_path / "installed")
    program = (
        "import asyncio, openline, openline.engine\n"
        "async def engine(): return openline.engine.of(asyncio.get_running_loop()).name\n"
        "print(openline.__file__, asyncio.run(engine()))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENLINE_")}
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )
    assert run.stdout.split() == [str(tmp_path / "installed/openline/__init__.py"), "portable"], run.stderr


def test_a_pure_build_gives_one_wheel_for_every_platform(unpacked: Path, tmp_path: Path) -> None:
    archive, _ = build("wheel", unpacked, tmp_path, OPENLINE_PURE="1")
    assert archive.name.endswith("-py3-none-any.whl")


def test_the_wheel_has_the_built_playground(unpacked: Path, tmp_path: Path) -> None:
    archive, _ = build("wheel", unpacked, tmp_path, OPENLINE_PURE="1")
    with zipfile.ZipFile(archive) as wheel:
        names = wheel.namelist()
    assert "openline/playground/static/index.html" in names
    assert not [name for name in names if name.startswith("openline/playground/web")]
