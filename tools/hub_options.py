"""Writes the tables of docs/hub/configuration.md from the docstrings of the options: `python tools/hub_options.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from openline.hub.config.broker_kinds import BROKERS
from openline.hub.config.reference import Option, broker_options, tables

PAGE = Path(__file__).resolve().parents[1] / "docs" / "hub" / "configuration.md"

_PLACE = re.compile(r"(<!-- options: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(options: Iterable[Option]) -> str:
    """Return a table of options in Markdown."""
    rows = ["| option | takes | default | |", "|---|---|---|---|"]
    for one in options:
        default = f"`{one.default}`" if one.default else "none"
        text = re.sub(r"``(.+?)``|`([^`]+)`", lambda match: f"`{match[1] or match[2]}`", one.text).replace(
            "|", "\\|"
        )
        files = f" Or `{one.name}_file`." if one.secret else ""
        rows.append(f"| `{one.name}` | {one.kind} | {default} | {text}{files} |")
    return "\n".join(rows) + "\n"


def filled(page: str) -> str:
    """Return the page with its tables as they should be."""
    known = tables() | {f"broker {name}": broker_options(name) for name in BROKERS}
    return _PLACE.sub(
        lambda match: match[1] + "\n" + table(known[match[2].replace("top", "")]) + "\n" + match[3], page
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
