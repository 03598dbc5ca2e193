"""What an instruction count depends on, beside our own code."""

from __future__ import annotations

import hashlib
import platform
import ssl
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.instructions.counter import compiler_of_python
from benchmarks.native import compiler_version

#: By which the C library and zlib choose among their functions; other flags change nothing.
CHOSEN_BY = frozenset(
    """ssse3 sse4_1 sse4_2 avx avx2 avx512f avx512bw avx512vl avx512_vnni bmi1 bmi2 erms fsrm movbe popcnt lzcnt abm
    pclmulqdq vpclmulqdq aes sha_ni asimd crc32 sve""".split()
)
PACKAGES = ("Cython", "zlib-ng", "h11")


def _cpu_features() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return " ".join(sorted(CHOSEN_BY.intersection(value.split())))
    return ""


def _interpreter() -> str:
    """A digest of the file with the interpreter: two builds of one version may differ."""
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / (sysconfig.get_config_var("LDLIBRARY") or "")
    path = library if library.suffix == ".so" and library.exists() else Path(sys.executable).resolve()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def environment() -> dict[str, str]:
    """Everything by its name. Names no host, no path and no user."""
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    return {
        "machine": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "interpreter": _interpreter(),
        "compiler": compiler_version(),
        "flags": compiler_of_python(),
        "cpu features": _cpu_features(),
        "c library": " ".join(platform.libc_ver()),
        "openssl": ssl.OPENSSL_VERSION,
        "valgrind": valgrind.stdout.strip(),
        **{package: _version(package) for package in PACKAGES},
    }
