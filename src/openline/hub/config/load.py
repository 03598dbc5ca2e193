"""``hub.toml`` and the environment: read, checked, and every complaint with its place."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import math
import re
import tomllib
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from openline.hub.auth.tokens import TokenVerifier
from openline.hub.brokers import open_broker
from openline.hub.config.broker_kinds import broker_kinds
from openline.hub.config.key_lines import KeyPath, key_lines
from openline.hub.config.records import BrokerOptions, HubConfig, ServerOptions
from openline.hub.config.values import checked, from_text
from openline.hub.namespace import NAME, ChannelOptions
from openline.hub.options import HubOptions, TokenOptions

__all__ = ["ENVIRONMENT_PREFIX", "SECRETS", "TABLES", "ConfigError", "kinds_of", "load_config"]

ENVIRONMENT_PREFIX = "OPENLINE_HUB_"
"""Of variables that override the file: ``OPENLINE_HUB_TOKEN__HMAC_SECRET`` is ``hmac_secret`` in ``[token]``."""

TABLES = ("server", "broker", "token", "subscription_token", "namespaces")

SECRETS: Mapping[KeyPath, frozenset[str]] = {
    (): frozenset({"api_key", "admin_password", "admin_secret"}),
    ("broker",): frozenset({"url"}),
    ("token",): frozenset({"hmac_secret", "rsa_public_key", "ecdsa_public_key"}),
    ("subscription_token",): frozenset({"hmac_secret", "rsa_public_key", "ecdsa_public_key"}),
}
"""Options that may stand in a file of their own: ``hmac_secret_file = "…"``."""

PATHS = frozenset({("server", "certfile"), ("server", "keyfile")})
"""Options that are paths: those in a file begin at the file's folder, as do those of secrets."""

MAX_FILE_SIZE = 2**20
"""Largest configuration, and largest file of a secret, in bytes."""

T = TypeVar("T")


class ConfigError(Exception):
    """A configuration cannot be used.

    Attributes:
        problems: All that is wrong with it, each in a line that names its place.
    """

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def kinds_of(record: type) -> dict[str, Any]:
    """Return the types of a record's fields, without those that are records themselves."""
    hints = typing.get_type_hints(record)
    return {
        one.name: hints[one.name]
        for one in dataclasses.fields(record)
        if one.name not in ("token", "subscription_token", "options")
    }


def load_config(
    path: Path | None,
    environment: Mapping[str, str],
    command_line: Mapping[KeyPath, tuple[str, object]] | None = None,
) -> HubConfig:
    """Read a configuration and check all of it.

    Args:
        path: The file; None: there is none, only the environment.
        environment: Variables; those that begin with `ENVIRONMENT_PREFIX` override the file.
        command_line: What the command line says, by path: the name of its option and the value. Wins over both.

    Raises:
        ConfigError: something in it is not right.
    """
    settings = _Settings()
    if path is not None:
        settings.read_file(path)
    settings.read_environment(environment)
    for key, (option, value) in (command_line or {}).items():
        settings.put(key, _Setting(value, option))
    return _Builder(settings).build()


class _Setting(NamedTuple):
    """What was written for an option.

    Attributes:
        value: The value.
        where: The place, for complaints.
        as_text: It is a string, whatever the option takes.
        folder: Where a path in it begins.
    """

    value: object
    where: str
    as_text: bool = False
    folder: Path = Path()


@dataclass(slots=True)
class _Settings:
    """All that was written, by path; and where each table stands."""

    found: dict[KeyPath, _Setting] = field(default_factory=dict[KeyPath, _Setting])
    tables: dict[KeyPath, str] = field(default_factory=dict[KeyPath, str])

    def read_file(self, path: Path) -> None:
        try:
            text = _read(path)
            document = tomllib.loads(text)
        except OSError as error:
            raise ConfigError([f"{path}: {error.strerror or error}"]) from None
        except (ValueError, RecursionError) as error:
            raise ConfigError([f"{path}: {error}"]) from None
        lines = key_lines(text)

        def where(key: KeyPath) -> str:
            return f"{path}, line {lines.get(key, 1)}"

        def walk(table: Mapping[str, object], at: KeyPath) -> None:
            for name, value in table.items():
                key = (*at, name)
                if (
                    isinstance(value, dict)
                    and (key[0] in TABLES[:4] or key[0] == "namespaces")
                    and len(key) <= (2 if key[0] == "namespaces" else 1)
                ):
                    self.tables[key] = where(key)
                    walk(typing.cast("dict[str, object]", value), key)
                else:
                    self.found[key] = _Setting(value, where(key), folder=path.parent)

        walk(document, ())

    def read_environment(self, environment: Mapping[str, str]) -> None:
        for name, value in sorted(environment.items()):
            if name.startswith(ENVIRONMENT_PREFIX):
                words = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
                if words[0] == "namespaces" and len(words) == 3:
                    # Names of namespaces may have capitals, which variables cannot tell.
                    known = {key[1].lower(): key[1] for key in self.tables if len(key) == 2}
                    words = (words[0], known.get(words[1], words[1]), words[2])
                self.put(words, _Setting(value, name, as_text=True))

    def put(self, key: KeyPath, setting: _Setting) -> None:
        """Override what there is of this key, be it given itself or by a file."""
        twin = key[-1].removesuffix("_file") if key[-1].endswith("_file") else f"{key[-1]}_file"
        self.found.pop((*key[:-1], twin), None)
        self.found[key] = setting
        for length in range(1, len(key)):
            self.tables.setdefault(key[:length], setting.where)


class _Builder:
    def __init__(self, settings: _Settings) -> None:
        self._settings = settings
        self._problems: list[str] = []

    def build(self) -> HubConfig:
        token = self._record(("token",), TokenOptions)
        subscription: TokenOptions | None = None
        if ("subscription_token",) in self._settings.tables:
            subscription = self._record(("subscription_token",), TokenOptions)
        hub = self._record((), HubOptions, token=token, subscription_token=subscription)
        config = HubConfig(
            hub=hub,
            server=self._record(("server",), ServerOptions),
            broker=self._broker(),
            namespaces=self._namespaces(),
        )
        self._check_keys(("token",), token)
        if subscription is not None:
            self._check_keys(("subscription_token",), subscription)
        for key, setting in self._settings.found.items():
            if key[:-1] not in {(), *((name,) for name in TABLES)} and not (
                len(key) == 3 and key[0] == "namespaces"
            ):
                self._complain(setting.where, key, "there is no such option")
        if self._problems:
            raise ConfigError(self._problems)
        return config

    def _complain(self, where: str, key: KeyPath, text: str) -> None:
        self._problems.append(
            f"{where}: {'.'.join(name or repr(name) for name in key)}{': ' if key else ''}{text}"
        )

    def _in(self, table: KeyPath) -> dict[str, _Setting]:
        length = len(table)
        return {
            key[-1]: setting
            for key, setting in self._settings.found.items()
            if len(key) == length + 1 and key[:length] == table
        }

    def _values(self, table: KeyPath, kinds: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a table that are right, and complain about the others."""
        secrets = SECRETS.get(table, frozenset())
        values: dict[str, Any] = {}
        for name, setting in self._in(table).items():
            base = name.removesuffix("_file")
            try:
                if name in kinds:
                    convert = from_text if setting.as_text else checked
                    value = convert(typing.cast("Any", setting.value), kinds[name])
                    if value == math.inf and table != ("broker",):
                        raise ValueError("must be finite")
                    if name in secrets and not value:
                        raise ValueError("must not be empty")
                    if f"{name}_file" in self._in(table):
                        raise ValueError(f"excludes {name}_file")
                    values[name] = str(setting.folder / value) if (*table, name) in PATHS else value
                elif base != name and base in secrets:
                    values.setdefault(base, self._secret(setting))
                elif not table and name in TABLES:
                    raise ValueError("must be a table")
                else:
                    known = [*kinds, *(f"{one}_file" for one in secrets), *(TABLES if not table else ())]
                    raise ValueError(f"there is no such option{_did_you_mean(name, known)}")
            except ValueError as error:
                self._complain(setting.where, (*table, name), str(error))
        return values

    def _secret(self, setting: _Setting) -> str:
        name: str = checked(setting.value, str)
        path = setting.folder / name
        try:
            text = _read(path).strip()
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror or error}") from None
        if not text:
            raise ValueError(f"{path} is empty")
        return text

    def _record(self, table: KeyPath, record: Callable[..., T], **more: Any) -> T:
        values = self._values(table, kinds_of(typing.cast("type", record)))
        return self._made(table, values, lambda: record(**values, **more), lambda: record(**more))

    def _made(
        self, table: KeyPath, values: Mapping[str, Any], make: Callable[[], T], default: Callable[[], T]
    ) -> T:
        """Make something of values that are right one by one; complain where they do not go together."""
        try:
            return make()
        except (ValueError, TypeError, ImportError) as error:
            self._complain_of(table, values, str(error))
            return default()

    def _complain_of(self, table: KeyPath, names: Collection[str], text: str) -> None:
        """Complain at the option that the text names, or else at the table."""
        given = self._in(table)
        for name in re.findall(r"\w+", text):
            for written in (name, f"{name}_file"):
                if name in names and written in given:
                    self._complain(given[written].where, table, text)
                    return
        first = next(iter(given.values()), None)
        where = self._settings.tables.get(table) or (first.where if first is not None else "configuration")
        self._complain(where, table, text)

    def _check_keys(self, table: KeyPath, options: TokenOptions) -> None:
        if options.enabled:
            self._made(table, kinds_of(TokenOptions), lambda: TokenVerifier(options), lambda: None)

    def _broker(self) -> BrokerOptions:
        table = ("broker",)
        default = BrokerOptions()
        given = self._in(table)
        url = default.url
        for name in ("url", "url_file"):
            if name in given:
                # Read for its own sake first: which other options there are depends on it.
                with contextlib.suppress(ValueError):
                    url = self._secret(given[name]) if name == "url_file" else checked(given[name].value, str)
        try:
            kinds = broker_kinds(url)
        except (ValueError, ImportError) as error:
            self._complain_of(table, ("url",), str(error))
            return default
        values = self._values(table, {"url": str, **kinds})
        values.pop("url", None)
        made = BrokerOptions(url=url, options=values)
        self._made(table, {"url": url, **values}, lambda: open_broker(url, **values), lambda: None)
        return made

    def _namespaces(self) -> dict[str, ChannelOptions]:
        closed = ChannelOptions.closed()
        made: dict[str, ChannelOptions] = {}
        for name, setting in self._in(("namespaces",)).items():
            self._complain(setting.where, ("namespaces", name), "must be a table")
        for table, where in self._settings.tables.items():
            if len(table) != 2 or table[0] != "namespaces":
                continue
            name = table[1]
            if name and not NAME.fullmatch(name):
                self._complain(
                    where, table, "is no name for a namespace: letters, digits, - _ . and two at least"
                )
            values = self._values(table, kinds_of(ChannelOptions))
            made[name] = self._made(
                table, values, lambda values=values: dataclasses.replace(closed, **values), lambda: closed
            )
        return made


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise OSError(f"it is longer than {MAX_FILE_SIZE} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise OSError("it is not UTF-8") from None


def _did_you_mean(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else ""
