"""Brokers by their URLs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from openline.hub.brokers import open_broker
from openline.hub.brokers.memory import MemoryBroker
from openline.hub.brokers.sqlite import SQLiteBroker


def test_each_scheme_has_its_broker(tmp_path: Path) -> None:
    assert isinstance(open_broker("memory://", max_size=1000), MemoryBroker)
    assert isinstance(open_broker(f"sqlite:///{tmp_path}/hub.db", synchronous="full"), SQLiteBroker)
    pytest.importorskip("redis")
    for url in (
        "redis://127.0.0.1",
        "rediss://127.0.0.1",
        "redis+unix:///run/redis.sock",
        "redis+cluster://127.0.0.1",
    ):
        assert open_broker(url).name == "redis"


def test_what_is_not_known_is_refused_with_what_is() -> None:
    with pytest.raises(ValueError, match=r"no broker for nats://; there are memory://, sqlite://, redis://"):
        open_broker("nats://user:secret@host")
    with pytest.raises(ValueError, match="what has no scheme"):
        open_broker("chat.db")


def test_only_what_is_asked_for_is_imported() -> None:
    program = (
        "import sys; from openline.hub.brokers import open_broker; open_broker('memory://');"
        "assert 'sqlite3' not in sys.modules and 'redis' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_package_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['redis'] = None\n"
        "from openline.hub.brokers import open_broker\n"
        "try: open_broker('redis://127.0.0.1')\n"
        "except ImportError as error: assert \"pip install 'openline[redis]'\" in str(error), error\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
