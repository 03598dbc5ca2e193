"""Ends for the tests of interoperation: one of each pair is openline, the other is another library."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from .aiohttp_style import Aiohttp
from .coroutine_style import PICOWS_WEBSOCKETS, WEBSOCKETS
from .ends import Implementation, Transport
from .node_style import FOLDER, Node
from .picows_style import Picows
from .wsproto_style import Wsproto

OTHERS: list[Implementation] = [WEBSOCKETS, PICOWS_WEBSOCKETS, Picows(), Aiohttp(), Wsproto(), Node()]


@pytest.fixture(scope="session")
def installed_ws() -> str | None:
    """Install `ws` as the lock file has it; why that is not possible, or None."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    if not (FOLDER / "node_modules/ws/package.json").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120)
        if done.returncode:
            return f"npm ci: {done.stderr.strip().splitlines()[-1]}"
    return None


@pytest.fixture(scope="session")
def pem_folder(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return folder


@pytest.fixture(params=OTHERS, ids=lambda other: other.name)
def other(request: pytest.FixtureRequest) -> Implementation:
    """Another library."""
    if isinstance(request.param, Node) and (missing := request.getfixturevalue("installed_ws")):
        pytest.skip(missing)
    return request.param


@pytest.fixture(params=["plain", "TLS"])
def tls(request: pytest.FixtureRequest) -> bool:
    return request.param == "TLS"


@pytest.fixture(params=["plain frames", "deflate"])
def transport(
    request: pytest.FixtureRequest,
    tls: bool,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    pem_folder: Path,
    other: Implementation,
) -> Transport:
    """Plain or TLS, with and without permessage-deflate."""
    deflate = request.param == "deflate"
    if deflate and "deflate" in other.lacks:
        pytest.skip(other.lacks["deflate"])
    return Transport(server_tls if tls else None, client_tls if tls else None, pem_folder, deflate)
