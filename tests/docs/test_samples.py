"""Every ```python sample of README.md and docs/ does what the page says.

A sample is a program: it runs by itself, in an empty directory with `cert.pem` and `key.pem` (a
certificate for localhost), and ends with status 0. A comment before it, which readers do not see, says
otherwise:

- `<!-- sample: serves 8765 -->`: it listens on that port until it is interrupted. The samples after it on
  the page can talk to it; where the page says 8765 they all get a port that is free. At the end of the page
  it gets SIGINT, and must go quietly.
- `<!-- sample: compiled only: REASON -->`: it needs something that is not here. It must still be Python;
  `await` may stand at the top, as in a fragment of a coroutine.

Blocks that are no Python, such as lists of signatures, carry no `python` at their fence.
"""

from __future__ import annotations

import ast
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.conftest import reserved_port

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATIENCE = 20.0  # seconds for one sample

FENCE = re.compile(
    r"^(?:<!-- sample: (?P<mark>[^\n]*?) -->\n+)?(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Sample:
    """One block of Python on a page."""

    line: int
    code: str
    port: str | None  # the port, as the page says it, where the sample serves
    compiled_only: bool


def samples(page: str) -> Iterator[Sample]:
    """The samples of a page.

    Raises:
        ValueError: a mark that is none of those above.
    """
    for match in FENCE.finditer(page):
        line = page.count("\n", 0, match.start("code")) + 1
        code = "".join(text.removeprefix(match["indent"]) for text in match["code"].splitlines(keepends=True))
        mark = match["mark"] or ""
        serves = re.fullmatch(r"serves (\d+)", mark)
        compiled_only = re.fullmatch(r"compiled only: \S.*", mark) is not None
        if mark and not serves and not compiled_only:
            raise ValueError(f"line {line}: the mark {mark!r} is not known")
        yield Sample(line, code, serves[1] if serves else None, compiled_only)


class Directory:
    """Where the samples of one page are written and run."""

    def __init__(self, path: Path, ports: dict[str, int]) -> None:
        self.path = path
        self.ports = ports
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1", "::1")
        certificate.private_key_pem.write_to_path(str(path / "key.pem"))
        # With the issuer, so that a client which trusts this file trusts the server, as with a self-signed certificate.
        for blob in (*certificate.cert_chain_pems, authority.cert_pem):
            blob.write_to_path(str(path / "cert.pem"), append=True)

    def command(self, sample: Sample) -> list[str]:
        """Write a sample down, with the ports that it really gets; what runs it."""
        code = sample.code
        for said, given in self.ports.items():
            code = re.sub(rf"\b{said}\b", str(given), code)
        program = self.path / f"line_{sample.line}.py"
        program.write_text(code)
        return [sys.executable, str(program)]

    def run(self, sample: Sample) -> None:
        """Run a sample to its end."""
        try:
            ended = subprocess.run(
                self.command(sample),
                cwd=self.path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            pytest.fail(f"line {sample.line}: not done after {PATIENCE:g} s:\n{error.output}")
        assert ended.returncode == 0, f"line {sample.line}: status {ended.returncode}:\n{ended.stdout}"

    def serve(self, sample: Sample, stack: ExitStack) -> None:
        """Start a sample that serves; it is interrupted when the stack ends."""
        assert sample.port is not None
        log = (self.path / f"line_{sample.line}.log").open("w+")
        stack.enter_context(log)
        server = subprocess.Popen(
            self.command(sample),
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

        def interrupt() -> None:
            server.send_signal(signal.SIGINT)
            try:
                status = server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
                status = -signal.SIGKILL
            log.seek(0)
            # An asyncio program that does not catch KeyboardInterrupt ends by the signal itself.
            assert status in (0, -signal.SIGINT), f"line {sample.line}: status {status}:\n{log.read()}"

        stack.callback(interrupt)
        deadline = time.monotonic() + PATIENCE
        while server.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[sample.port])) == 0:
                    return
            time.sleep(0.02)  # nothing tells from outside when a program listens
        log.seek(0)
        pytest.fail(f"line {sample.line}: does not listen:\n{log.read()}")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, tmp_path: Path) -> None:
    found = list(samples(page.read_text()))
    with ExitStack() as stack:
        served = {sample.port for sample in found if sample.port}
        directory = Directory(tmp_path, {port: stack.enter_context(reserved_port()) for port in served})
        for sample in found:
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if sample.compiled_only else 0
            compile(sample.code, f"{page.name}, line {sample.line}", "exec", flags)
            if sample.port:
                directory.serve(sample, stack)
            elif not sample.compiled_only:
                directory.run(sample)


def test_samples_are_found_with_their_marks() -> None:
    page = (
        "# A page\n\n"
        "<!-- sample: serves 8765 -->\n\n```python\nserve()\n```\n\n"
        "```python\nconnect()\n```\n\n"
        "1. A step\n   ```python\n   if True:\n       pass\n   ```\n\n"
        "<!-- sample: compiled only: no Redis -->\n```python\nawait x\n```\n"
    )
    assert list(samples(page)) == [
        Sample(6, "serve()\n", "8765", False),
        Sample(10, "connect()\n", None, False),
        Sample(15, "if True:\n    pass\n", None, False),
        Sample(21, "await x\n", None, True),
    ]


def test_a_mark_with_a_typing_error_is_refused() -> None:
    with pytest.raises(ValueError, match="not known"):
        list(samples("<!-- sample: compiled only -->\n```python\nawait x\n```\n"))


@pytest.mark.parametrize(
    ("code", "mark", "complaint"),
    [
        ("raise SystemExit(3)", "", "status 3"),
        ("print('not listening')", "<!-- sample: serves 8765 -->\n", "does not listen:\nnot listening"),
        (
            "import socket, time\n"
            "try:\n    s = socket.create_server(('127.0.0.1', 8765))\n    time.sleep(60)\n"
            "except KeyboardInterrupt:\n    raise SystemExit(4)",
            "<!-- sample: serves 8765 -->\n",
            "status 4",
        ),
    ],
    ids=["fails", "never listens", "ends badly"],
)
def test_a_bad_sample_is_found(tmp_path: Path, code: str, mark: str, complaint: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{mark}```python\n{code}\n```\n")
    with pytest.raises((AssertionError, pytest.fail.Exception), match=complaint):
        test_page(page, tmp_path)
