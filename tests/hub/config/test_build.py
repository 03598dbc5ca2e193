"""From a configuration to a hub, and on to a newer one."""

from __future__ import annotations

from openline.hub.codes import Refused
from openline.hub.config.build import build_hub, update_hub
from openline.hub.config.load import load_config
from openline.hub.config.records import HubConfig
from tests.hub.auth.forge import SECRET, token


def config(**environment: str) -> HubConfig:
    return load_config(None, {f"OPENLINE_HUB_{name.upper()}": value for name, value in environment.items()})


def accepts(hub: object, text: str) -> bool:
    try:
        hub.connection_tokens.verify_connection(text)  # type: ignore[attr-defined]
    except Refused:
        return False
    return True


def test_a_hub_of_a_configuration() -> None:
    hub = build_hub(
        config(
            max_channels="7",
            token__hmac_secret=SECRET,
            broker__max_size="1000",
            namespaces__chat__subscribe="users",
            namespaces____presence="true",
        )
    )
    assert hub.options.max_channels == 7
    assert hub.broker.name == "memory"
    assert hub.options_of("chat:1").subscribe == "users"
    assert hub.options_of("x").presence
    assert accepts(hub, token({"sub": "42"}))


def test_tokens_and_namespaces_change_while_it_runs() -> None:
    old = config(
        token__hmac_secret=SECRET, namespaces__chat__presence="true", namespaces__news__presence="true"
    )
    hub = build_hub(old)
    other = SECRET[::-1]
    new = config(
        token__hmac_secret=other, namespaces__chat__presence="false", namespaces__more__presence="true"
    )
    runs, waiting = update_hub(hub, old, new)
    assert (runs, waiting) == (new, [])
    assert not accepts(hub, token({"sub": "42"}))
    assert accepts(hub, token({"sub": "42"}, other))
    assert not hub.options_of("chat:1").presence
    assert hub.options_of("more:1").presence
    assert set(hub.namespaces) == {"chat", "more"}


def test_what_needs_a_restart_is_named_each_time() -> None:
    old = config(token__hmac_secret=SECRET)
    hub = build_hub(old)
    new = config(max_channels="7", server__port="1", broker__max_size="5", token__audience="x")
    runs, waiting = update_hub(hub, old, new)
    assert waiting == ["max_channels", "server.port", "broker.options"]
    assert (runs.hub.max_channels, runs.server, runs.broker) == (128, old.server, old.broker)
    assert runs.hub.token == new.hub.token
    assert hub.options.max_channels == 128
    assert update_hub(hub, runs, new) == (runs, waiting)
    assert update_hub(hub, runs, old) == (old, [])
