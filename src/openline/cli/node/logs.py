"""The log of a hub: lines for people, or a JSON object each for machines."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

__all__ = ["JSONLines", "LogFormat", "log_to_stderr"]

LogFormat = Literal["text", "json"]

_ORDINARY = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has; anything else came by ``extra``."""


class JSONLines(logging.Formatter):
    """A record as one JSON object: ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, ``error`` with the
    traceback where there is one, and whatever came by ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as a line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        fields |= {name: value for name, value in vars(record).items() if name not in _ORDINARY}
        return msgspec.json.encode(fields, enc_hook=str).decode()


def log_to_stderr(level: str, form: LogFormat = "text") -> None:
    """Write the log to the standard error.

    Args:
        level: The least level that is written; of libraries other than openline, warnings and above.
        form: For people, or for machines.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JSONLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("openline").setLevel(level.upper())
