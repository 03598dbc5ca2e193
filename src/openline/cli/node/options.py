"""What the command line of ``openline hub`` said, in a form that can be handed to a worker."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from openline.cli.node.logs import LogFormat
from openline.cli.server.options import StartFailed
from openline.hub.config.load import ConfigError, load_config
from openline.hub.config.records import HubConfig

__all__ = ["NodeOptions"]


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Where the configuration is, and what overrides it.

    Attributes:
        config: The file; None: there is none.
        overrides: Path of an option, name of the command line's option, and value.
        log_level: Least level of what is logged.
        log_format: Lines for people, or JSON.
    """

    config: str | None
    overrides: tuple[tuple[tuple[str, ...], str, Any], ...] = ()
    log_level: str = "info"
    log_format: LogFormat = "text"

    def load(self) -> HubConfig:
        """Read the configuration.

        Raises:
            ConfigError: it is not right.
        """
        path = None if self.config is None else Path(self.config)
        return load_config(path, os.environ, {key: (name, value) for key, name, value in self.overrides})

    def load_at_start(self) -> HubConfig:
        """Read the configuration; without it, nothing can start.

        Raises:
            StartFailed: it is not right.
        """
        try:
            return self.load()
        except ConfigError as error:
            raise StartFailed(str(error)) from None

    def at_port(self, port: int) -> Self:
        """Return the same for a port that was chosen."""
        kept = tuple(one for one in self.overrides if one[0] != ("server", "port"))
        return replace(self, overrides=(*kept, (("server", "port"), "--port", port)))

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` understands, for the way to a worker."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the options that `to_json` described."""
        overrides = tuple((tuple(key), name, value) for key, name, value in values["overrides"])
        return cls(values["config"], overrides, values["log_level"], values["log_format"])
