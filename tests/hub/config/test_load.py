"""`hub.toml` and the environment: what is taken, and every complaint with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openline.hub.config.load import MAX_FILE_SIZE, ConfigError, kinds_of, load_config
from openline.hub.config.records import HubConfig
from openline.hub.namespace import ChannelOptions
from openline.hub.options import HubOptions

SECRET = "a secret of thirty-two bytes, or of more"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hub.toml"


def load(path: Path, text: str, **environment: str) -> HubConfig:
    path.write_text(text)
    return load_config(path, environment)


def complaints(path: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, text, **environment)
    return [problem.replace(str(path), "hub.toml") for problem in caught.value.problems]


def test_an_empty_file_is_all_defaults(path: Path) -> None:
    assert load(path, "") == HubConfig() == load_config(None, {})


def test_all_tables(path: Path) -> None:
    config = load(
        path,
        f"""
        connect_timeout = 5
        allowed_origins = ["https://a.example", "https://*.b.example"]
        insecure = true
        [token]
        hmac_secret = "{SECRET}"
        audience = "hub"
        [subscription_token]
        hmac_secret = "{SECRET} too"
        [server]
        port = 9000
        prefix = "/live"
        [broker]
        url = "memory://"
        max_size = 1000
        [namespaces.chat]
        history = 10
        ttl = 60
        presence = true
        [namespaces.""]
        subscribe = "anyone"
        """,
    )
    assert config.hub.connect_timeout == 5.0
    assert config.hub.insecure
    assert config.hub.allowed_origins == (
        "https://a.example",
        re.compile(r"https://[^/]*\.b\.example", re.IGNORECASE),
        None,
    )
    assert (config.hub.token.hmac_secret, config.hub.token.audience) == (SECRET, "hub")
    assert config.hub.subscription_token is not None
    assert config.hub.subscription_token.hmac_secret == f"{SECRET} too"
    assert (config.server.port, config.server.prefix) == (9000, "/live")
    assert (config.broker.url, config.broker.options) == ("memory://", {"max_size": 1000})
    assert set(config.namespaces) == {"chat", ""}
    chat = config.namespaces["chat"]
    assert (chat.history, chat.ttl, chat.presence) == (10, 60.0, True)


def test_in_a_file_everything_is_off_until_it_is_named(path: Path) -> None:
    assert load(path, "[namespaces.chat]").namespaces["chat"] == ChannelOptions.closed()
    assert load(path, '[namespaces.chat]\npublish = "users"').namespaces["chat"].subscribe == "nobody"


def test_unknown_options_are_named_with_line_and_what_may_be_meant(path: Path) -> None:
    text = '\nmax_chanels = 5\n[serve]\n[server]\nhots = ""\n[namespaces.chat]\nhistroy = 1\n'
    text += "[token]\nx = 1\n[broker]\nmax_siz = 1\n"
    assert complaints(path, text) == [
        "hub.toml, line 9: token.x: there is no such option",
        "hub.toml, line 2: max_chanels: there is no such option; did you mean max_channels?",
        "hub.toml, line 3: serve: there is no such option; did you mean server?",
        "hub.toml, line 5: server.hots: there is no such option; did you mean host?",
        "hub.toml, line 11: broker.max_siz: there is no such option; did you mean max_size?",
        "hub.toml, line 7: namespaces.chat.histroy: there is no such option; did you mean history?",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("drain = true", "line 1: drain: must be a number, not true or false"),
        ("\nmax_channels = 1.5", "line 2: max_channels: must be a whole number, not this number"),
        ("token = 5", "line 1: token: must be a table"),
        ("[namespaces]\nchat = 5", "line 2: namespaces.chat: must be a table"),
        (
            "[namespaces.x]",
            "line 1: namespaces.x: is no name for a namespace: letters, digits, - _ . and two at least",
        ),
        ('[namespaces."a b"]', "line 1: namespaces.a b: is no name"),
        ("[namespaces.chat.x]", "line 1: namespaces.chat.x: there is no such option"),
        ("drain = inf", "line 1: drain: must be finite"),
        ("[broker]\nurl = 5", "line 2: broker.url: must be a string, not a whole number"),
        (
            '[broker]\nurl = "nats://x"',
            "line 2: broker: url must begin with memory://, sqlite:// or redis://",
        ),
        ('[broker]\nurl = "memory://x"', "line 1: broker: memory:// takes nothing"),
        ("[broker]\nmax_size = -1", "line 2: broker: max_size and max_keys_size must be above 0"),
        ('[broker]\nurl = "redis://h/0"\ndurable = 1', "line 3: broker.durable: must be true or false"),
        ("[server]\nport = 70000", "line 2: server: port must be from 0 to 65535"),
        ("[server]\nworkers = 0", "line 2: server: workers must be"),
        ('[server]\nprefix = "live"', "line 2: server: prefix must begin with a slash"),
        ('[server]\nkeyfile = "x"', "line 2: server: keyfile needs certfile"),
        ("connect_timeout = 0", "line 1: connect_timeout must be above 0"),
        ("\nping_interval = 5", "line 2: pong_timeout must be below ping_interval"),
        ("[namespaces.chat]\nrecovery = true", "line 2: namespaces.chat: recovery needs history"),
        (
            "[namespaces.chat]\npresence = true\nhistory = 5",
            "line 3: namespaces.chat: history and ttl go together",
        ),
        ('[token]\n\nhmac_secret = "short"', "line 3: token: hmac_secret: a secret of 5 bytes is too short"),
        ('[token]\nhmac_secret = ""', "line 2: token.hmac_secret: must not be empty"),
        ('[token]\njwks_url = "http://h/"', "line 2: token: jwks_url: keys that come by http"),
        ("[token]\njwks_min_interval = 0", "line 2: token: jwks_min_interval and"),
        (
            '[subscription_token]\nrsa_public_key = "x"',
            "line 2: subscription_token: rsa_public_key: it is no public key",
        ),
        ('api_key = ""', "line 1: api_key: must not be empty"),
        ("a = ", ": Invalid value (at end of document)"),
        ("a = 1\na = 2\nb = 3", ": Cannot overwrite a value (at line 2, column 6)"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(path: Path, text: str, complaint: str) -> None:
    (found,) = complaints(path, text)
    assert complaint in found
    assert found.startswith("hub.toml")


def test_a_complaint_never_shows_a_secret(path: Path) -> None:
    text = f'api_key = ["{SECRET}"]\n[token]\nhmac_secret = {{ x = "{SECRET}" }}\n[broker]\nurl = "redis://:{SECRET}@h/x"\n'
    assert SECRET not in str(complaints(path, text))
    config = load(path, f'api_key = "{SECRET}"\n[token]\nhmac_secret = "{SECRET}"')
    assert SECRET not in repr(config)


def test_a_file_that_cannot_be_read(path: Path) -> None:
    for make, complaint in (
        (lambda: None, "No such file"),
        (lambda: path.write_bytes(b"\xff"), "it is not UTF-8"),
        (lambda: path.write_text("#" * (MAX_FILE_SIZE + 1)), "longer than"),
        (lambda: path.write_text("a = " + "[" * 100_000), "hub.toml: "),
    ):
        make()
        with pytest.raises(ConfigError, match=complaint):
            load_config(path, {})


def test_secrets_may_stand_in_files_beside_the_configuration(path: Path) -> None:
    (path.parent / "secret").write_text(f"{SECRET}\n")
    (path.parent / "url").write_text("memory://\n")
    text = 'api_key_file = "secret"\n[token]\nhmac_secret_file = "secret"\n[broker]\nurl_file = "url"\nmax_size = 5\n'
    config = load(path, text)
    assert (config.hub.api_key, config.hub.token.hmac_secret) == (SECRET, SECRET)
    assert (config.broker.url, config.broker.options) == ("memory://", {"max_size": 5})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('api_key_file = "missing"', "api_key_file: .*missing: No such file"),
        ('api_key_file = "empty"', "api_key_file: .*empty is empty"),
        ("api_key_file = 5", "api_key_file: must be a string"),
        ('api_key_file = "secret"\napi_key = "x"', "line 2: api_key: excludes api_key_file"),
        ('drain_file = "secret"', "drain_file: there is no such option"),
        ('[broker]\nurl_file = "missing"', "broker.url_file: .*missing: No such file"),
        ('[token]\nhmac_secret_file = "short"', "line 2: token: hmac_secret: a secret of 1 bytes"),
    ],
)
def test_a_file_of_a_secret_that_is_not_right(path: Path, text: str, complaint: str) -> None:
    (path.parent / "secret").write_text(SECRET)
    (path.parent / "empty").write_text("\n")
    (path.parent / "short").write_text("x")
    (found,) = complaints(path, text)
    assert re.search(complaint, found)


def test_certificates_are_looked_for_beside_the_file(path: Path) -> None:
    config = load(path, '[server]\ncertfile = "tls.pem"\nkeyfile = "/etc/key.pem"')
    assert config.server.certfile == str(path.parent / "tls.pem")
    assert config.server.keyfile == "/etc/key.pem"
    assert load_config(None, {"OPENLINE_HUB_SERVER__CERTFILE": "tls.pem"}).server.certfile == "tls.pem"


def test_the_environment_wins_over_the_file(path: Path) -> None:
    (path.parent / "secret").write_text(SECRET)
    config = load(
        path,
        'drain = 1\napi_key_file = "secret"\n[namespaces.Chat]\nhistory = 1\nttl = 1\n[broker]\nmax_size = 7',
        OPENLINE_HUB_DRAIN="2.5",
        OPENLINE_HUB_API_KEY="key",
        OPENLINE_HUB_METRICS="off",
        OPENLINE_HUB_TOKEN__HMAC_SECRET=SECRET,
        OPENLINE_HUB_NAMESPACES__CHAT__HISTORY="5",
        OPENLINE_HUB_NAMESPACES__NEWS__SUBSCRIBE="anyone",
        OPENLINE_HUB_NAMESPACES____PRESENCE="yes",
        OPENLINE_HUB_BROKER__MAX_SIZE="8",
        OPENLINE_HUBS="not ours",
    )
    assert (config.hub.drain, config.hub.api_key, config.hub.metrics) == (2.5, "key", False)
    assert config.hub.token.hmac_secret == SECRET
    assert config.namespaces["Chat"].history == 5
    assert config.namespaces["news"].subscribe == "anyone"
    assert config.namespaces[""].presence
    assert config.broker.options == {"max_size": 8}


def test_a_file_of_a_secret_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    config = load_config(None, {"OPENLINE_HUB_TOKEN__HMAC_SECRET_FILE": str(tmp_path / "secret")})
    assert config.hub.token.hmac_secret == SECRET


def test_a_variable_that_is_wrong_is_named(path: Path) -> None:
    assert complaints(path, "drain = 1", OPENLINE_HUB_DRIAN="5", OPENLINE_HUB_PING_INTERVAL="soon") == [
        "OPENLINE_HUB_DRIAN: drian: there is no such option; did you mean drain?",
        "OPENLINE_HUB_PING_INTERVAL: ping_interval: must be a number, not this string",
    ]
    assert complaints(path, "", OPENLINE_HUB_NAMESPACES__CHAT__RECOVERY="true") == [
        "OPENLINE_HUB_NAMESPACES__CHAT__RECOVERY: namespaces.chat: recovery needs history: "
        "what is not kept cannot be recovered"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_",
        "__",
        "____",
        "X__Y__Z",
        "NAMESPACES",
        "NAMESPACES__CHAT",
        "SERVER",
        "SERVER__PORT__X",
        "TOKEN__",
    ],
)
def test_a_variable_that_names_nothing_is_refused(path: Path, name: str) -> None:
    assert complaints(path, "", **{f"OPENLINE_HUB_{name}": "1"})


def test_the_command_line_wins_over_both(path: Path) -> None:
    path.write_text("insecure = false\n[server]\nport = 1")
    overrides = {("server", "port"): ("--port", 3), ("insecure",): ("--insecure", True)}
    config = load_config(path, {"OPENLINE_HUB_SERVER__PORT": "2"}, overrides)
    assert config.server.port == 3
    assert config.hub.insecure
    with pytest.raises(ConfigError, match=r"^--broker: broker: url must begin with"):
        load_config(path, {}, {("broker", "url"): ("--broker", "x")})


def test_options_of_redis_are_known_without_a_redis(path: Path) -> None:
    config = load(path, '[broker]\nurl = "redis://127.0.0.1:1/0"\nstart_wait = inf\ndurable = true')
    assert config.broker.options == {"start_wait": float("inf"), "durable": True}


def test_every_option_of_a_hub_can_be_written() -> None:
    assert set(kinds_of(HubOptions)) == {name for name in HubOptions.__slots__ if "token" not in name}
