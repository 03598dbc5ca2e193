"""URLs of Redis, and the options in them."""

from __future__ import annotations

import pytest
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection

from openline.hub.redis.options import RedisOptions, parse


def test_a_single_server() -> None:
    [place], options = parse("redis://user:p%40ss@example.org:6380/3", {})
    assert place.kind == "single"
    assert place.hosts == (("example.org", 6380),)
    settings = place.settings
    assert (settings["host"], settings["port"]) == ("example.org", 6380)
    assert (settings["username"], settings["password"], settings["db"]) == ("user", "p@ss", 3)
    assert options == RedisOptions()


def test_hosts_and_ports_have_defaults() -> None:
    assert parse("redis://", {})[0][0].hosts == (("localhost", 6379),)
    assert parse("redis+sentinel://a,b:1/main", {})[0][0].hosts == (("a", 26379), ("b", 1))
    assert parse("redis+cluster://a,[::1]:7000", {})[0][0].hosts == (("a", 6379), ("::1", 7000))


def test_tls_and_unix_sockets() -> None:
    [place], _ = parse("rediss://h?ssl_ca_certs=/ca.pem", {})
    assert place.settings["connection_class"] is SSLConnection
    assert place.settings["ssl_ca_certs"] == "/ca.pem"
    [place], _ = parse("rediss+cluster://h", {})
    assert place.settings["connection_class"] is SSLConnection
    [place], _ = parse("unix:///run/redis.sock?durable=1", {})
    assert place.settings["connection_class"] is UnixDomainSocketConnection
    assert (place.hosts, place.settings["path"]) == ((), "/run/redis.sock")
    assert parse("redis+unix:///run/redis.sock", {})[0] == [place]


def test_sentinels_have_names_and_passwords_of_their_own() -> None:
    [place], _ = parse("redis+sentinel://u:p@a,b/main/2?sentinel_password=s&sentinel_username=t", {})
    assert (place.kind, place.master) == ("sentinel", "main")
    assert (place.settings["username"], place.settings["password"], place.settings["db"]) == ("u", "p", 2)
    assert place.sentinel == {"username": "t", "password": "s"}


def test_options_stand_in_the_query_and_arguments_win() -> None:
    _, options = parse("redis://h?durable=yes&publish_wait=2.5&max_waiting=7&prefix=p", {"prefix": "q"})
    assert options == RedisOptions(durable=True, publish_wait=2.5, max_waiting=7, prefix="q")


def test_several_shards() -> None:
    places, options = parse("redis://a?prefix=p, redis://b,redis+cluster://c,d", {})
    assert [place.hosts for place in places] == [(("a", 6379),), (("b", 6379),), (("c", 6379), ("d", 6379))]
    assert options.prefix == "p"
    assert len(parse(["redis://a", "redis://b"], {})[0]) == 2


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://h", "http:// is not known"),
        ("redis+ring://h", "is not known"),
        ("unix+cluster://h", "is not known"),
        ("redis://a,b", "several hosts"),
        ("redis+sentinel://h", "master's name is missing"),
        ("redis+cluster://h/1", "no databases"),
        ("redis://a/1,redis://b", "databases"),
        ("redis://a?prefix=p,redis://b?prefix=q", "prefix differs"),
        ("redis://h?durable=perhaps", "durable in a URL"),
        ("redis://h?max_waiting=many", "max_waiting in a URL"),
        ("redis://h?prefix=%7Bp", "braces"),
        ("redis://h?publish_wait=-1", "publish_wait must not be negative"),
        ("redis://h?presence_ttl=0", "presence_ttl must be above 0"),
        ("redis://h?presence_ttl=nan", "presence_ttl must be above 0"),
        ("redis://h?reconnect_max=0.001", "reconnect_max"),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(url, {})
    with pytest.raises(ValueError, match="needed"):
        parse([], {})


def test_errors_do_not_show_passwords() -> None:
    for url in ("http://user:secret@h", "redis://user:secret@a,b", "redis://:secret@h?durable=x"):
        with pytest.raises(ValueError) as caught:
            parse(url, {})
        assert "secret" not in str(caught.value)
