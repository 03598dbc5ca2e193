"""Builds the native modules. Everything else about the package stands in pyproject.toml.

Every .pyx file under src/openline/engine/native becomes one extension module. They stand or fall together:
where one cannot be compiled, none is installed, and openline runs in pure Python.

Environment:
    OPENLINE_PURE=1: build no native module.
    OPENLINE_SANITIZE=1: the build of `make native-debug`, with AddressSanitizer,
        UndefinedBehaviorSanitizer, Cython's own checks and debug information. A failure is then an error.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

NATIVE = Path("src/openline/engine/native")
PURE = os.environ.get("OPENLINE_PURE", "0") not in ("", "0")
SANITIZE = os.environ.get("OPENLINE_SANITIZE", "0") not in ("", "0")

# Not -march=native: a wheel must run on other machines than the one that built it.
COMPILE = ["-O3", "-fno-strict-aliasing"]
LINK: list[str] = []
if SANITIZE:
    LINK = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    COMPILE = ["-O1", "-g3", "-fno-omit-frame-pointer", "-fno-strict-aliasing", *LINK]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": SANITIZE,
    "initializedcheck": SANITIZE,
    "nonecheck": SANITIZE,
    "wraparound": False,
    "cdivision": True,
    "embedsignature": True,
}


class BuildNative(build_ext):
    """Compile all native modules, or none."""

    def build_extensions(self) -> None:
        """Compile; where that fails, say so in one line and leave nothing behind.

        Raises:
            BaseError: in a sanitizer build, for which pure Python is no substitute.
        """
        generate_c(self.extensions, self.build_temp)
        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(self.build_extension, self.extensions))
        except (BaseError, CCompilerError):
            if SANITIZE:
                raise
            for extension in self.extensions:
                Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
                if self.editable_mode:
                    Path("src", self.get_ext_filename(extension.name)).unlink(missing_ok=True)
            compiler = self.compiler.compiler_so[0]
            print(f"openline: the C compiler ({compiler}) failed; installing pure Python instead")


def generate_c(extensions: list[Extension], directory: str) -> None:
    """Turn the Cython sources of extensions into C, in a directory apart from them."""
    from Cython.Build import cythonize  # not needed, and maybe not there, for a pure build

    generated = cythonize(
        extensions,
        build_dir=directory,
        include_path=["src"],
        compiler_directives=DIRECTIVES,
        emit_linenums=SANITIZE,
    )
    # Only the sources: setuptools has written more into its own objects than cythonize copies.
    for extension, copy in zip(extensions, generated, strict=True):
        extension.sources = copy.sources


def native_modules() -> list[Extension]:
    """One extension for each Cython source; none where they cannot work or are not wanted."""
    if PURE or sys.platform != "linux" or sys.implementation.name != "cpython":
        return []
    return [
        Extension(
            ".".join(source.with_suffix("").relative_to("src").parts),
            [str(source)],
            depends=[str(header) for header in sorted(NATIVE.glob("*.h"))],
            include_dirs=[str(NATIVE)],
            extra_compile_args=COMPILE,
            extra_link_args=LINK,
            optional=True,  # setuptools, too, accepts that its file is missing afterwards
        )
        for source in sorted(NATIVE.glob("*.pyx"))
    ]


setup(ext_modules=native_modules(), cmdclass={"build_ext": BuildNative})
