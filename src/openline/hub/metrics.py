"""What Prometheus is told of a hub: its counters, and what can be had by looking, both only when it asks.

Needs the extra ``metrics``. Besides ``/metrics`` it can be had in a registry of the application's own:
``registry.register(hub_collector(hub))``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from openline.hub.counters import LATENCY_EDGES

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import Collector

    from openline.hub.hub import Hub

__all__ = ["Metrics", "MetricsUnavailable", "hub_collector"]

_PREFIX = "openline_hub_"

_COUNTERS = {
    "connections_opened": "Clients that came, whether or not they were let in.",
    "subscriptions": "Subscriptions that were made.",
    "publications": "Publications that the broker took from this node.",
    "deliveries": "Publications that were sent to a subscriber, or queued for it.",
    "batched": "Deliveries that were gathered with others into one frame.",
    "conflated": "Publications that a newer one of the same key replaced before the client could take them.",
    "overruns": "Sessions that were ended because too many bytes waited for them.",
    "broker_errors": "Times that the broker could not be reached or failed.",
}
_LABELLED = {
    "drops": ("policy", "Publications that were dropped for a client that did not keep up."),
    "commands": ("method", "Commands of clients."),
    "errors": ("code", "Commands that failed."),
    "disconnects": ("code", "Sessions that ended."),
}


class MetricsUnavailable(Exception):
    """The package that writes the metrics is not installed."""

    def __init__(self) -> None:
        super().__init__("metrics need prometheus-client: install openline[metrics], or set metrics to False")


def _gauges(hub: Hub) -> Iterator[tuple[str, str, float]]:
    """What can be had by looking, in time proportional to the number of sessions and channels."""
    yield "sessions", "Sessions that are let in.", len(hub.sessions)
    yield "users", "Different users that have a session; the anonymous are none.", len(hub.users)
    yield "channels", "Channels with a subscriber.", len(hub.table)
    yield (
        "current_subscriptions",
        "Subscriptions that there are.",
        sum(len(channel.subscriptions) for channel in hub.table.all()),
    )
    yield (
        "queue_bytes",
        "Bytes that wait in this process for clients to take them.",
        sum(session.transport.unsent for session in hub.sessions.values()),
    )
    yield (
        "up",
        "1 while the hub serves, 0 before and while it drains.",
        int(bool(hub.started_at) and not hub.draining),
    )


def _collect(hub: Hub) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    counters = hub.counters
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(_PREFIX + name, text, value=getattr(counters, name))
    for name, (label, text) in _LABELLED.items():
        family = CounterMetricFamily(_PREFIX + name, text, labels=[label])
        for key, number in sorted(getattr(counters, name).items()):
            family.add_metric([str(key)], number)
        yield family
    family = CounterMetricFamily(
        _PREFIX + "recoveries", "Clients that came back and asked for what they missed.", labels=["recovered"]
    )
    family.add_metric(["true"], counters.recovered)
    family.add_metric(["false"], counters.unrecovered)
    yield family
    for name, text, value in _gauges(hub):
        yield GaugeMetricFamily(_PREFIX + name, text, value=value)
    sessions = GaugeMetricFamily(
        _PREFIX + "sessions_by_transport", "Sessions that are let in, by how they came.", labels=["transport"]
    )
    by_transport: dict[str, int] = {}
    for session in hub.sessions.values():
        by_transport[session.transport.name] = by_transport.get(session.transport.name, 0) + 1
    for name, number in sorted(by_transport.items()):
        sessions.add_metric([name], number)
    yield sessions
    latencies = counters.publish_latency
    buckets: list[tuple[str, float]] = []
    total = 0
    for edge, number in zip((*LATENCY_EDGES, float("inf")), latencies.buckets, strict=True):
        total += number
        buckets.append(("+Inf" if edge == float("inf") else repr(edge), total))
    yield HistogramMetricFamily(
        _PREFIX + "publish_seconds",
        "How long the broker took for a publication.",
        buckets=buckets,
        sum_value=latencies.total,
    )


def hub_collector(hub: Hub) -> Collector:
    """Return what a registry of prometheus-client asks for the hub's numbers; in the thread of the hub's loop.

    Raises:
        MetricsUnavailable: prometheus-client is not installed.
    """
    try:
        from prometheus_client.registry import Collector
    except ImportError:
        raise MetricsUnavailable from None

    class HubCollector(Collector):
        def collect(self) -> Iterable[Metric]:
            return _collect(hub)

    return HubCollector()


class Metrics:
    """What ``/metrics`` answers: the hub's numbers and those of its process, in a registry of their own.

    Args:
        hub: The hub.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._registry: Any = None

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return the content type and the text.

        Args:
            accept: The Accept header: Prometheus may want OpenMetrics.

        Raises:
            MetricsUnavailable: prometheus-client is not installed.
        """
        if self._registry is None:
            collector = hub_collector(self._hub)
            from prometheus_client import CollectorRegistry, ProcessCollector

            self._registry = CollectorRegistry(auto_describe=False)
            self._registry.register(collector)
            ProcessCollector(registry=self._registry)
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        return content_type, encode(self._registry)
