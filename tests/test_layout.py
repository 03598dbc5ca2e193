"""The house keeps its order: short files, READMEs, tests that mirror the source, imports that go downward."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = PurePosixPath("src/openline")
SOURCE_SUFFIXES = {
    ".py",
    ".pyi",
    ".pyx",
    ".pxd",
    ".pxi",
    ".h",
    ".c",
    ".ts",
    ".tsx",
    ".js",
    ".mjs",
    ".css",
    ".sh",
}
MOST_LINES = 800

# A storey may import what is on its own or further down.
STOREYS = (
    {"exceptions", "version"},
    {"protocol"},
    {"engine"},
    {"websocket"},
    {"", "sync"},  # "" is openline/__init__.py, the public names
    {"hub"},
    {"documents", "rooms", "notifications"},
    {"integrations", "testing"},
    {"cli", "playground", "__main__"},
)

# What protocol/ promises to do without: sockets, a loop, a clock.
NOT_IN_PROTOCOL = {
    "asyncio",
    "concurrent",
    "select",
    "selectors",
    "socket",
    "ssl",
    "threading",
    "time",
    "uvloop",
}

# Modules without a test file of their own, and why.
OVER_THE_WIRE = "a command, tested over the wire in both encodings: tests/hub/conformance"
A_CONTRACT = "a contract; what keeps it is tested"
TESTED_ELSEWHERE: dict[str, str] = {
    **{
        f"hub/commands/{name}.py": OVER_THE_WIRE
        for name in (
            "answer",
            "connecting",
            "history",
            "leaving",
            "ping",
            "presence",
            "publishing",
            "refreshing",
            "rpc",
            "sending",
            "subscribing",
        )
    },
    "hub/brokers/base.py": A_CONTRACT,
    "hub/stores/base.py": A_CONTRACT,
    "hub/transports/base.py": A_CONTRACT,
}

# Put together, so that this file does not name them either.
REGISTRIES = tuple(
    ".".join(words)
    for words in (
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("npmjs", "com"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
)


def files() -> list[PurePosixPath]:
    """What is committed or about to be: all files that git does not ignore and that are still there."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = {PurePosixPath(name) for name in listing.split("\0") if name}
    return sorted(path for path in paths if (ROOT / path).is_file())


FILES = files()
SOURCES = [path for path in FILES if path.suffix in SOURCE_SUFFIXES]
MODULES = [path for path in SOURCES if SOURCE in path.parents and path.suffix in (".py", ".pyx")]


def dotted(path: PurePosixPath) -> str:
    """The name of a module: openline.engine.portable."""
    parts = path.relative_to("src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path): path for path in MODULES}


def imported(path: PurePosixPath, *, for_types: bool = True) -> Iterator[str]:
    """The modules, of openline and others, that a module imports anywhere in its text.

    Args:
        for_types: with what only the type checker imports.
    """
    text = (ROOT / path).read_text()
    if path.suffix == ".pyx":
        for match in re.finditer(r"^\s*(?:from\s+([\w.]+)\s+)?c?import\s+(\w[\w.]*)", text, re.MULTILINE):
            yield from resolve(match[1] or match[2], [match[2]] if match[1] else [])
        return
    package = dotted(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    tree = ast.parse(text)
    skipped: set[ast.AST] = set()
    if not for_types:
        branches = [
            n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
        ]
        skipped.update(node for branch in branches for node in ast.walk(branch))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from resolve(alias.name, [])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield from resolve(".".join([*base, *filter(None, [node.module])]), [a.name for a in node.names])


def resolve(module: str, names: list[str]) -> Iterator[str]:
    """`from module import names`: the submodules among the names, else the module itself."""
    submodules = [f"{module}.{name}" for name in names if f"{module}.{name}" in NAMES]
    yield from submodules
    if not submodules or len(submodules) < len(names):
        yield module


def storey(module: str) -> int:
    """The number of a module's storey, 0 at the bottom."""
    room = [*module.split("."), ""][1]
    for number, rooms in enumerate(STOREYS):
        if room in rooms:
            return number
    raise AssertionError(f"{module}: give openline.{room} its storey in STOREYS")


def test_files_are_short() -> None:
    lines = {str(path): (ROOT / path).read_text().count("\n") for path in SOURCES}
    assert not {path: count for path, count in lines.items() if count >= MOST_LINES}


def test_every_source_folder_says_what_lives_there() -> None:
    folders = {path.parent for path in SOURCES if SOURCE in path.parents}
    folders |= {PurePosixPath(name) for name in ("benchmarks", "tests", "tools")}
    folders.discard(SOURCE / "playground/web/public")  # it is served as it is; web/README.md speaks of it
    silent = [str(folder) for folder in sorted(folders) if folder / "README.md" not in FILES]
    assert not silent


def test_every_module_has_its_test_file() -> None:
    missing = []
    for path in MODULES:
        module = path.relative_to(SOURCE)
        mirror = PurePosixPath("tests") / module.with_name(f"test_{module.stem}.py")
        if str(module) in TESTED_ELSEWHERE:
            assert mirror not in FILES, f"{mirror} exists: take {module} out of TESTED_ELSEWHERE"
        elif mirror not in FILES and not module.name.startswith("__"):
            missing.append(str(mirror))
    assert not missing


def test_every_exception_from_the_mirror_is_a_module() -> None:
    assert not {module for module in TESTED_ELSEWHERE if SOURCE / module not in MODULES}


def test_imports_go_downward() -> None:
    upward = [
        f"{path}: {name}"
        for path in MODULES
        for name in imported(path)
        if name.split(".")[0] == "openline" and storey(name) > storey(dotted(path))
    ]
    assert not upward


def test_imports_have_no_cycle() -> None:
    graph = {
        name: {other for other in imported(path, for_types=False) if other in NAMES and other != name}
        for name, path in NAMES.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which shows it


def test_protocol_knows_no_socket_loop_or_clock() -> None:
    known = [
        f"{path}: {name}"
        for path in MODULES
        if SOURCE / "protocol" in path.parents
        for name in imported(path)
        if name.split(".")[0] in NOT_IN_PROTOCOL
    ]
    assert not known


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_registry(registry: str) -> None:
    assert not [str(path) for path in FILES if registry.encode() in (ROOT / path).read_bytes()]


def test_lock_files_do_not_say_where_packages_came_from() -> None:
    locks = [path for path in FILES if path.name == "package-lock.json"]
    assert locks
    assert not [str(path) for path in locks if '"resolved": "http' in (ROOT / path).read_text()]
