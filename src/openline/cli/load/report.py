"""The result of a measurement: for people, and as JSON for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from openline.cli.client.display import printable
from openline.cli.load.histogram import Histogram
from openline.cli.load.run import Plan, Result

PERCENTILES = (50.0, 90.0, 99.0, 99.9)

# Above this share of one processor, this process and not the server may have been the limit.
BUSY = 0.9

_BAR_WIDTH = 40


def duration(seconds: float) -> str:
    """Return a duration with the unit that suits it."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def as_json(plan: Plan, result: Result) -> dict[str, Any]:
    """Return the result as what `json.dumps` takes; durations are in seconds."""
    return {
        "connections": result.opened,
        "size": plan.size,
        "rate": plan.rate,
        "in_flight": plan.in_flight if plan.rate is None else None,
        "elapsed": result.elapsed,
        "sent": result.sent,
        "answered": result.answered,
        "skipped": result.skipped,
        "unanswered": result.unanswered,
        "answers_per_second": _per_second(result),
        "client_cpu": result.client_cpu,
        "latency": _summary(result.latency),
        "handshake": _summary(result.handshakes),
        "errors": dict(result.errors),
    }


def _per_second(result: Result) -> float:
    return result.answered / result.elapsed if result.elapsed else 0.0


def _summary(histogram: Histogram) -> dict[str, float]:
    percentiles = {f"p{percent:g}": histogram.percentile(percent) for percent in PERCENTILES}
    shortest = histogram.shortest if histogram.count else 0.0
    return {"min": shortest, "mean": histogram.mean, **percentiles, "max": histogram.longest}


def show(console: Console, plan: Plan, result: Result) -> None:
    """Write tables, the drawing and the errors."""
    console.print(Group(_facts(plan, result), Text(), _latencies(result)))
    if result.latency.count:
        console.print()
        console.print(_drawing(result.latency))
    for what, count in result.errors.most_common():
        console.print(Text(f"{count} × {printable(what)}", "red"))
    if result.elapsed and result.client_cpu / result.elapsed > BUSY:
        console.print(
            Text("This process was busy all the time: it, not the server, may have been the limit.", "yellow")
        )


def _facts(plan: Plan, result: Result) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("connections", f"{result.opened} opened in {duration(result.opening)}")
    asked = f"{result.sent} of {plan.size} bytes in {result.elapsed:.2f} s"
    table.add_row("messages", asked if plan.rate is None else f"{asked}, {plan.rate:g} a second wanted")
    mebibytes = _per_second(result) * plan.size / 2**20
    table.add_row(
        "answers", f"{result.answered}, {_per_second(result):,.0f} a second ({mebibytes:.2f} MiB/s)"
    )
    if result.unanswered:
        table.add_row("unanswered", Text(str(result.unanswered), "red"))
    if result.skipped:
        table.add_row("not sent", Text(f"{result.skipped}, since too many answers were outstanding", "red"))
    return table


def _latencies(result: Result) -> Table:
    columns = list(_summary(result.latency))
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, histogram in (("latency", result.latency), ("handshake", result.handshakes)):
        table.add_row(name, *(duration(value) for value in _summary(histogram).values()))
    return table


def _drawing(histogram: Histogram) -> Table:
    rows = list(histogram.rows())
    most = max(count for _, count in rows)
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column(width=_BAR_WIDTH)
    table.add_column(justify="right")
    for edge, count in rows:
        table.add_row(
            f"≤ {duration(edge)}", ProgressBar(total=most, completed=count, width=_BAR_WIDTH), str(count)
        )
    return table
