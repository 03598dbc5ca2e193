"""What is compared, and what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

TECHNIQUES = ("polling", "long_polling", "server_sent_events", "websocket")

BOUNDS: dict[str, tuple[float, float]] = {
    "rate": (0.1, 50.0),
    "size": (64, 4096),
    "clients": (1, 100),
    "every": (0.25, 10.0),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices.

    Attributes:
        rate: Messages a second, 0.1 to 50.
        size: Bytes of a message, 64 to 4096.
        clients: Clients of each technique, besides those of pages, 1 to 100.
        every: Seconds between the requests of a client that polls, 0.25 to 10.
    """

    rate: float = 5.0
    size: int = 200
    clients: int = 20
    every: float = 1.0

    def changed(self, wishes: Mapping[str, object]) -> Settings:
        """Return the settings with what somebody wishes: kept in bounds, and without what is no number."""
        taken: dict[str, float] = {}
        for field in fields(self):
            wish = wishes.get(field.name)
            if isinstance(wish, bool) or not isinstance(wish, int | float) or wish != wish:
                continue
            lowest, highest = BOUNDS[field.name]
            value = min(max(wish, lowest), highest)
            taken[field.name] = int(value) if isinstance(getattr(self, field.name), int) else float(value)
        return replace(self, **taken)  # pyright: ignore[reportArgumentType]: the types are those of the fields
