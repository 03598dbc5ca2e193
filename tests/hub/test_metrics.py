"""What Prometheus is told."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from openline.hub import Hub
from openline.hub.counters import Counters
from openline.hub.metrics import Metrics, hub_collector
from tests.hub.transports.speaking import CONNECT, ask, open_hub, served, streaming


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name.removeprefix("openline_hub_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


async def test_a_scrape_tells_what_happened_and_what_there_is() -> None:
    hub = open_hub()
    async with served(hub) as port:
        subscribe = {"id": 2, "subscribe": {"channel": "chat:a"}}
        async with streaming(port, CONNECT, subscribe, {"id": 3, "subscribe": {"channel": "no:a"}}) as stream:
            for _ in range(3):
                await stream.line()
            await hub.publish("chat:a", 1)
            await stream.line()
            text = (await ask(port, "GET", "/metrics")).body
        for name, number in {
            "sessions": 1,
            "users": 1,
            "channels": 1,
            "current_subscriptions": 1,
            "connections_opened_total": 1,
            "publications_total": 1,
            "deliveries_total": 1,
            "publish_seconds_count": 1,
            "up": 1,
        }.items():
            assert value(text, name) == number, name
        assert value(text, "commands_total", method="subscribe") == 2
        assert value(text, "errors_total", code="102") == 1
        assert value(text, "sessions_by_transport", transport="http_stream") == 1
        assert value(text, "publish_seconds_bucket", le="+Inf") == 1
        assert ("process_resident_memory_bytes", ()) in samples(text)


@pytest.mark.parametrize("field", sorted(set(Counters.__slots__)))
async def test_every_counter_is_told(field: str) -> None:
    hub = Hub(insecure=True)
    before = samples(Metrics(hub).render("")[1])
    counted: Any = getattr(hub.counters, field)
    if isinstance(counted, dict):
        counted["7"] = 5
    elif isinstance(counted, int):
        setattr(hub.counters, field, 5)
    else:
        counted.observe(0.001)
    assert samples(Metrics(hub).render("")[1]) != before


async def test_buckets_add_up() -> None:
    hub = Hub(insecure=True)
    for seconds in (0.0000001, 0.001, 0.001, 100.0):
        hub.counters.publish_latency.observe(seconds)
    text = Metrics(hub).render("")[1]
    assert value(text, "publish_seconds_bucket", le="1e-06") == 1
    assert value(text, "publish_seconds_bucket", le="0.001024") == 3
    assert value(text, "publish_seconds_bucket", le="8.388608") == 3
    assert value(text, "publish_seconds_bucket", le="+Inf") == 4
    assert value(text, "publish_seconds_sum") == pytest.approx(100.0020001)


async def test_prometheus_may_ask_for_openmetrics() -> None:
    content_type, text = Metrics(Hub(insecure=True)).render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


async def test_each_hub_has_a_registry_of_its_own_and_may_stand_in_another() -> None:
    one, two = Hub(insecure=True), Hub(insecure=True)
    one.counters.publications = 3
    assert value(Metrics(one).render("")[1], "publications_total") == 3
    assert value(Metrics(two).render("")[1], "publications_total") == 0
    registry = CollectorRegistry()
    registry.register(hub_collector(one))
    assert registry.get_sample_value("openline_hub_publications_total") == 3


def test_without_the_package_the_answer_says_what_to_install() -> None:
    # In a process of its own, where the package cannot be imported.
    program = """
import sys
sys.modules["prometheus_client"] = None
from openline.hub import Hub
from openline.hub.metrics import Metrics, MetricsUnavailable
try:
    Metrics(Hub(insecure=True)).render("")
except MetricsUnavailable as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    assert "openline[metrics]" in done.stdout
