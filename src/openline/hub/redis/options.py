"""Where Redis is and how it is used: URLs, and the options that may stand in their query."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio.connection import parse_url

__all__ = ["Place", "RedisOptions", "Settings", "parse"]

Settings = Mapping[str, Any]
"""Arguments of a connection of redis-py: host, port, password, TLS."""

_DEFAULT_PORTS = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_SEVERAL = re.compile(r"\s*,\s*(?=[a-z][a-z+]*://)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisOptions:
    """How Redis is used. Times are in seconds, sizes in bytes.

    Attributes:
        prefix: All keys and channels begin with it (inside a hash tag); hubs that share a Redis have different ones.
        durable: This Redis never loses what it has acknowledged: ``appendfsync always``, and no failover to a replica
            that may lag. A restart then keeps the epochs of streams. False: a new process of Redis (another ``run_id``)
            means a new epoch, and clients hear ``recovered: false``.
        publish_wait: How long a publication waits for a Redis that is out of reach, before `BrokerDown`. 0: not at all.
            Above 0, a publication whose answer was lost is sent again, and stored once.
        start_wait: How long `start` tries. 0: once. ``inf``: until Redis is there.
        presence_ttl: After this time a presence entry, or a node's occupation of a channel, that was not renewed fades.
        connect_timeout: For connecting and signing in.
        command_timeout: For the answer to a command; without it the connection is given up, and made anew.
        ping_interval: After this silence a connection is asked whether it still lives.
        reconnect_min: Pause before the first attempt to reconnect; doubled each time, and shortened by up to half at
            random, so that the nodes do not come all at once.
        reconnect_max: The longest such pause.
        max_waiting: Commands that wait for their answer, for each server; one more is refused.
        max_waiting_size: The same in bytes.
    """

    prefix: str = "openline"
    durable: bool = False
    publish_wait: float = 0.0
    start_wait: float = 0.0
    presence_ttl: float = 60.0
    connect_timeout: float = 5.0
    command_timeout: float = 5.0
    ping_interval: float = 5.0
    reconnect_min: float = 0.05
    reconnect_max: float = 2.0
    max_waiting: int = 10_000
    max_waiting_size: int = 2**26

    def __post_init__(self) -> None:
        if not self.prefix or "{" in self.prefix or "}" in self.prefix:
            raise ValueError("prefix must not be empty, nor hold braces: it stands in the hash tag of keys")
        for name in ("publish_wait", "start_wait"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative")
        for name in (
            "presence_ttl",
            "connect_timeout",
            "command_timeout",
            "ping_interval",
            "reconnect_min",
            "max_waiting",
            "max_waiting_size",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        if self.reconnect_max < self.reconnect_min:
            raise ValueError("reconnect_max must not be below reconnect_min")


class Place(NamedTuple):
    """One shard: a Redis, a master and its replicas under Sentinel, or a Cluster.

    Attributes:
        kind: Which of them.
        hosts: Host and port of the server, of the Sentinels, or of some nodes of the Cluster; empty: a Unix socket.
        master: Sentinel's name of the master.
        settings: Everything else that a connection needs.
        sentinel: The same for connections to Sentinels.
    """

    kind: Literal["single", "sentinel", "cluster"]
    hosts: tuple[tuple[str, int], ...]
    master: str
    settings: Settings
    sentinel: Settings


def parse(urls: str | Sequence[str], options: Mapping[str, Any]) -> tuple[list[Place], RedisOptions]:
    """Read the URLs of shards; options may stand in the query of each, and must not contradict.

    ============================================================  ===================================
    ``redis://user:password@host:6379/0``                          one server
    ``rediss://…``, ``redis+unix:///path``                         the same, over TLS, on a Unix socket
    ``redis+sentinel://host:26379,host:26379/mymaster/0``          the master that Sentinel names
    ``redis+cluster://host:6379,host:6379``                        a Cluster
    ============================================================  ===================================

    ``rediss+…`` is the same over TLS. Several shards stand in one string with commas between them, or in a sequence.
    What is no option of `RedisOptions` goes to redis-py: ``?ssl_ca_certs=…``; ``sentinel_username`` and
    ``sentinel_password`` sign in at Sentinels.

    Args:
        urls: One or more.
        options: Of `RedisOptions`; they win over the URLs'.

    Raises:
        ValueError: One of them does not make sense; passwords do not stand in the text.
    """
    texts = _SEVERAL.split(urls.strip()) if isinstance(urls, str) else list(urls)
    if not texts:
        raise ValueError("a URL of Redis is needed")
    found: dict[str, Any] = {}
    places: list[Place] = []
    for text in texts:
        place, own = _place(text)
        for name, value in own.items():
            if name in found and found[name] != value:
                raise ValueError(f"{name} differs between the URLs")
            found[name] = value
        places.append(place)
    if len(places) > 1 and any(place.settings.get("db") for place in places):
        raise ValueError("sharded pub/sub knows no databases: leave the number out, and choose a prefix")
    return places, RedisOptions(**{**found, **options})


def _place(text: str) -> tuple[Place, dict[str, Any]]:
    url = urlsplit(text.removeprefix("redis+") if text.startswith("redis+unix://") else text)
    transport, _, word = url.scheme.partition("+")
    kind = _KINDS.get(word)
    if kind is None or transport not in ("redis", "rediss", "unix") or (word and transport == "unix"):
        raise ValueError(
            f"{url.scheme}:// is not known: redis, rediss, redis+unix, redis+sentinel, redis+cluster are"
        )
    own: dict[str, Any] = {}
    foreign: list[tuple[str, str]] = []
    sentinel: dict[str, Any] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        if (reader := _READERS.get(name)) is not None:
            try:
                own[name] = reader(value)
            except ValueError:
                raise ValueError(f"{name} in a URL of Redis is not what it must be: {value!r}") from None
        elif name in ("sentinel_username", "sentinel_password"):
            sentinel[name.removeprefix("sentinel_")] = value
        else:
            foreign.append((name, value))
    user, at, hosts = url.netloc.rpartition("@")
    path = url.path
    master = ""
    if kind == "sentinel":
        master, _, database = unquote(path).strip("/").partition("/")
        if not master:
            raise ValueError("redis+sentinel://hosts/name: the master's name is missing")
        path = f"/{database}"
    query = f"?{urlencode(foreign)}" if foreign else ""
    settings: dict[str, Any] = dict(parse_url(f"{transport}://{user}{at}{path}{query}"))
    if kind == "cluster" and settings.get("db"):
        raise ValueError("a Cluster has no databases")
    if transport == "unix":
        return Place("single", (), "", settings, {}), own
    first, *others = [_host(host, _DEFAULT_PORTS[kind]) for host in hosts.split(",")]
    if kind == "single" and others:
        raise ValueError("several hosts are a Cluster (redis+cluster://) or Sentinels (redis+sentinel://)")
    if kind == "single":
        settings["host"], settings["port"] = first
    if kind == "sentinel":
        kept = {name: value for name, value in settings.items() if name not in ("username", "password", "db")}
        sentinel = {**kept, **sentinel}
    return Place(kind, (first, *others), master, settings, sentinel), own


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return unquote(parts.hostname or "localhost"), parts.port or port


def _truth(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError(text) from None


_KINDS: Mapping[str, Literal["single", "sentinel", "cluster"]] = {
    "": "single",
    "sentinel": "sentinel",
    "cluster": "cluster",
}
_READERS: dict[str, Callable[[str], Any]] = {
    field.name: {"str": str, "bool": _truth, "int": int, "float": float}[str(field.type)]
    for field in dataclasses.fields(RedisOptions)
}
