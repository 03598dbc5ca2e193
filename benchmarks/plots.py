"""What was measured, as pictures (SVG): a panel for each work, a bar for each peer, shorter is better."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from benchmarks.report import Results
from benchmarks.works import WORKS, Work

_WIDTH = 860
_LABEL = 190
_FIGURE = 90
_BAR = 16
_GAP = 6
_HEAD = 46
_FOOT = 22

# Readable on light pages and on dark ones.
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.unit { fill: #57606a; font-size: 12px; }
.figure { font-variant-numeric: tabular-nums; }
.ours { fill: #0f766e; } .limit { fill: #8c959f; } .other { fill: #b8c0c8; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .unit { fill: #9198a1; }
  .ours { fill: #2dd4bf; } .limit { fill: #6e7681; } .other { fill: #3d444d; }
}
"""


class Panel(NamedTuple):
    """One chart: values by peer, in the order of the table."""

    title: str
    unit: str
    values: Sequence[tuple[str, float]]

    @property
    def height(self) -> int:
        """In pixels."""
        return _HEAD + len(self.values) * (_BAR + _GAP) + _FOOT


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _kind(peer: str) -> str:
    return "ours" if peer.startswith("openline") else "limit" if peer == "limit" else "other"


def _panel_of(work: Work, results: Results) -> Panel | None:
    """What a work is about, where that is a number: memory of idle ones, otherwise processor time."""
    medians = results.medians(work.name)
    if work.mode == "idle":
        unit, values = "bytes a connection", {peer: sample.memory for peer, sample in medians.items()}
    else:
        unit = f"CPU µs a {work.unit}, of the {'client' if work.mode == 'client' else 'server'}"
        values = {peer: sample.cpu_us for peer, sample in medians.items()}
    present = [(peer, value) for peer, value in values.items() if value is not None and value > 0]
    return Panel(work.title, unit, present) if present else None


def _draw(panel: Panel, top: int) -> list[str]:
    longest = max(value for _, value in panel.values)
    room = _WIDTH - _LABEL - _FIGURE
    lines = [
        f'<text class="title" x="0" y="{top + 16}">{escape(panel.title)}</text>',
        f'<text class="unit" x="0" y="{top + 34}">{escape(panel.unit)}</text>',
    ]
    y = top + _HEAD
    for peer, value in panel.values:
        length = max(1.0, value / longest * room)
        middle = y + _BAR - 4
        lines += [
            f'<text x="{_LABEL - 10}" y="{middle}" text-anchor="end">{escape(peer)}</text>',
            f'<rect class="{_kind(peer)}" x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2"/>',
            f'<text class="figure" x="{_LABEL + length + 8:.1f}" y="{middle}">{_figure(value)}</text>',
        ]
        y += _BAR + _GAP
    return lines


def to_svg(results: Results) -> str | None:
    """Draw all works.

    Returns:
        The picture; None where nothing was measured that has a bar.
    """
    panels = [panel for name in results.names() if (panel := _panel_of(WORKS[name], results))]
    if not panels:
        return None
    lines: list[str] = []
    top = 0
    for panel in panels:
        lines += _draw(panel, top)
        top += panel.height
    size = f'viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join(
        [head, "<title>openline beside its peers</title>", f"<style>{_STYLE}</style>", *lines, "</svg>\n"]
    )
