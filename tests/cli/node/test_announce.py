"""What a node says at its start."""

from __future__ import annotations

from openline.cli.node.announce import announcement
from openline.hub.config.load import load_config

ADDRESSES = [("127.0.0.1", 8000), ("::1", 8000, 0, 0)]


def said(workers: int = 1, **environment: str) -> str:
    config = load_config(None, {f"OPENLINE_HUB_{name.upper()}": value for name, value in environment.items()})
    return "\n".join(announcement(config, ADDRESSES, workers))


def test_where_everything_is() -> None:
    text = said(api_key="x", admin_password="x", server__prefix="/live", namespaces__chat__presence="true")
    for expected in (
        "ws://127.0.0.1:8000/live/connection/websocket",
        "ws://[::1]:8000/live/connection/websocket",
        "http://127.0.0.1:8000/live/connection/http_stream, /connection/sse, /emulation",
        "http://127.0.0.1:8000/live/api/",
        "http://127.0.0.1:8000/live/admin/",
        "http://127.0.0.1:8000/live/metrics",
        "http://127.0.0.1:8000/live/health",
        "broker memory; 1 namespace: chat",
        "off: TLS (certfile)",
    ):
        assert expected in text


def test_what_is_off() -> None:
    text = said(metrics="false", namespaces____presence="true", namespaces__chat__presence="true")
    assert "off: server API (api_key), admin page (admin_password), metrics, TLS (certfile)" in text
    assert not {"/api/", "/admin/", "/metrics"} & set(text.split())
    assert '2 namespaces: chat, ""' in text
    assert "nobody can connect" in text


def test_tls_and_workers() -> None:
    text = said(4, server__certfile="x")
    assert "wss://127.0.0.1:8000/connection/websocket" in text
    assert "https://127.0.0.1:8000/health" in text
    assert "by 4 workers" in text


def test_insecure_is_said_loudly() -> None:
    assert "INSECURE" in said(insecure="true")
