"""Builds the two C programs, and the certificate for TLS."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import trustme

FOLDER = Path(__file__).parent
BUILD = FOLDER / "build"

_FLAGS = ["-std=c11", "-O3", "-march=native", "-Wall", "-Wextra"]


class BuildError(Exception):
    """A program could not be built; carries the compiler's words."""


def _has_header(compiler: str, header: str) -> bool:
    program = f"#include <{header}>\n"
    run = subprocess.run(
        [compiler, "-E", "-x", "c", "-"], input=program.encode(), capture_output=True, check=False
    )
    return run.returncode == 0


def compile_c(compiler: str, name: str, sources: list[Path], options: list[str]) -> Path:
    program = BUILD / name
    headers = [header for folder in {source.parent for source in sources} for header in folder.glob("*.h")]
    newest = max(path.stat().st_mtime for path in [*sources, *headers, Path(__file__)])
    if not program.exists() or program.stat().st_mtime < newest:
        BUILD.mkdir(exist_ok=True)
        command = [compiler, *_FLAGS, "-o", str(program), *map(str, sources), *options]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise BuildError(f"{shlex.join(command)}\n{run.stderr}")
    return program


def build(compiler: str = "cc") -> tuple[Path, Path]:
    """Build the load client and the limit, unless they are newer than their sources.

    Returns:
        The load client and the limit.

    Raises:
        BuildError: No compiler, or it refuses.
    """
    if shutil.which(compiler) is None:
        raise BuildError(f"no C compiler ({compiler}): on Debian, apt install build-essential")
    handshake = sorted((FOLDER / "handshake").glob("*.c"))
    tls = ["-DWITH_TLS", "-lssl", "-lcrypto"] if has_tls(compiler) else []
    deflate = ["-DWITH_DEFLATE", "-lz"] if has_deflate(compiler) else []
    load = sorted((FOLDER / "load").glob("*.c"))
    client = compile_c(compiler, "load-client", [*load, *handshake], [*tls, *deflate])
    limit = compile_c(compiler, "echo-limit", [FOLDER / "limit" / "echo.c", *handshake], [])
    return client, limit


def has_tls(compiler: str = "cc") -> bool:
    """Whether the load client can speak TLS: OpenSSL's headers are there."""
    return _has_header(compiler, "openssl/ssl.h")


def has_deflate(compiler: str = "cc") -> bool:
    """Whether the load client can speak permessage-deflate: zlib's headers are there."""
    return _has_header(compiler, "zlib.h")


def compiler_version(compiler: str = "cc") -> str:
    """The compiler's first line about itself."""
    return subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]


def certificate() -> tuple[Path, Path]:
    """A certificate and its key for 127.0.0.1, made when first asked for.

    Returns:
        Two PEM files.
    """
    chain, key = BUILD / "certificate.pem", BUILD / "key.pem"
    if not (chain.exists() and key.exists()):
        issued = trustme.CA().issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(str(key))
        with chain.open("wb") as file:
            for part in issued.cert_chain_pems:
                file.write(part.bytes())
    return chain, key


def node_modules(program: str) -> Path | None:
    """The packages of a peer on Node, installed when first asked for.

    Args:
        program: The peer's folder.

    Returns:
        Their folder; None where there is no npm or it fails (the reason is printed).
    """
    folder = FOLDER / "peers" / program
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print(f"no Node.js here: {program} is left out", file=sys.stderr)
        return None
    if not (folder / "node_modules").exists():
        run = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if run.returncode:
            print(f"npm ci failed, {program} is left out: {run.stderr.strip()}", file=sys.stderr)
            return None
    return folder / "node_modules"
