"""Scripts come whole, with the digest that Redis gives them."""

from __future__ import annotations

from pathlib import Path

from openline.hub.redis.scripts import Script, load
from tests.hub.redis_server import needs_redis, redis_server


def test_functions_of_another_file_stand_before() -> None:
    script = load("openline.hub.brokers", "publish", after="position", positioned=True)
    assert script.text.index("local function epoch_of") < script.text.index("SPUBLISH")
    assert (script.name, script.positioned) == ("publish", True)
    assert not load("openline.hub.brokers", "lease").positioned


@needs_redis
def test_the_digest_is_the_server_s(tmp_path: Path) -> None:
    script = Script("tiny", "return 'ü'")
    with redis_server(tmp_path) as server:
        assert script.digest.encode() in server.ask("SCRIPT", "LOAD", script.text)
