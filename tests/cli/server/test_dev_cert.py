"""The certificate for development."""

from __future__ import annotations

import hashlib
import ssl
import stat
from pathlib import Path

from websockets.sync.client import connect

from tests.cli.terminal import PATIENCE, server


def served_fingerprint(url: str) -> str:
    host, port = url.removeprefix("wss://").split(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()


def test_dev_cert_is_made_once_and_its_fingerprint_said(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        with server("--dev-cert", home=tmp_path) as (command, url):
            fingerprint = command.expect(r"SHA-256 fingerprint ([0-9A-F:]+)")[1].replace(":", "")
            path = Path(command.expect(r"self-signed certificate (\S+)")[1])
            assert served_fingerprint(url) == fingerprint
            said.append(fingerprint)
    assert said[0] == said[1]
    assert path.is_relative_to(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_dev_cert_is_valid_for_this_machine_once_it_is_trusted(tmp_path: Path) -> None:
    with server("--dev-cert", home=tmp_path) as (command, url):
        path = command.expect(r"self-signed certificate (\S+)")[1]
        trusting = ssl.create_default_context(cafile=path)
        with connect(url.replace("127.0.0.1", "localhost"), ssl=trusting) as ws:
            ws.send("hi")
            assert ws.recv(PATIENCE) == "hi"
