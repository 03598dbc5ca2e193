"""What was measured, as JSON and as Markdown."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median

from benchmarks.cell import Sample
from benchmarks.peers import Peer
from benchmarks.targets import COROUTINE, LISTENER, TARGETS
from benchmarks.works import WORKS, Work

LIMIT = "limit"


@dataclass(slots=True)
class Results:
    """All cells of one run.

    Attributes:
        machine: See ``machine.describe``.
        settings: Of each peer.
        samples: By work, then by peer, one for each round.
        failures: By work, then by peer: why there is no figure.
    """

    machine: dict[str, object]
    settings: dict[str, str]
    started: str
    rounds: int
    duration: float
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict[str, dict[str, list[Sample]]])
    failures: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def add(self, work: Work, peer: Peer, sample: Sample) -> None:
        """Keep one cell."""
        self.samples.setdefault(work.name, {}).setdefault(peer.name, []).append(sample)

    def fail(self, work: Work, peer: Peer, reason: str) -> None:
        """Keep why a cell failed; its peer has no figure in this work then."""
        self.failures.setdefault(work.name, {})[peer.name] = reason
        self.samples.get(work.name, {}).pop(peer.name, None)

    def medians(self, work: str) -> dict[str, Sample]:
        """By peer, each field's median over the rounds."""
        return {peer: _median(samples) for peer, samples in self.samples.get(work, {}).items()}

    def names(self) -> list[str]:
        """Works with results or failures, in the order of the table."""
        return [name for name in WORKS if name in self.samples or name in self.failures]


def _median(samples: Sequence[Sample]) -> Sample:
    values: dict[str, float] = {}
    for each in fields(Sample):
        if each.name != "extensions":
            present = [value for sample in samples if (value := getattr(sample, each.name)) is not None]
            if present:
                values[each.name] = median(present)
    return Sample(**values, extensions=samples[-1].extensions)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(ours: float | None, theirs: float | None, *, rival: bool) -> str:
    """``ours`` ÷ ``theirs``, and in bold where we lose to a rival (the limit is none)."""
    if not ours or not theirs:
        return "-"
    value = ours / theirs
    return f"**{value:.2f}, loses**" if rival and value > 1 else f"{value:.2f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _our_ratios(medians: dict[str, Sample], peer: str, key: str) -> list[str]:
    theirs = getattr(medians[peer], key)
    loop = "@" + peer.partition("@")[2] if "@" in peer else ""
    cells: list[str] = []
    for ours in (LISTENER, COROUTINE):
        sample = medians.get(ours + loop) or medians.get(ours)
        if sample is None or peer.startswith("openline"):
            cells.append("-")
        else:
            cells.append(_ratio(getattr(sample, key), theirs, rival=peer != LIMIT))
    return cells


def _memory_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    header = ["peer", "bytes a connection", "before its messages", "callback ÷ it", "coroutine ÷ it"]
    rows = [
        [peer, *map(_number, (sample.memory, sample.memory_before)), *_our_ratios(medians, peer, "memory")]
        for peer, sample in medians.items()
    ]
    return header, rows


def _cpu_table(medians: dict[str, Sample], work: Work) -> tuple[Sequence[str], list[list[str]]]:
    header = f"peer,CPU µs a {work.unit},user,system,× C loop,callback ÷ it,coroutine ÷ it".split(",")
    header += "rate a second,p50 µs,p99 µs,p99.9 µs,client busy,bytes on the wire".split(",")
    limit = medians.get(LIMIT, Sample()).cpu_us
    rows: list[list[str]] = []
    for peer, sample in medians.items():
        over = f"{sample.cpu_us / limit:.2f}" if limit and sample.cpu_us else "-"
        costs = map(_number, (sample.cpu_us, sample.user_us, sample.system_us))
        speeds = map(_number, (sample.rate, sample.p50_us, sample.p99_us, sample.p999_us))
        busy = f"{sample.client_busy or 0:.0%}"
        ratios = _our_ratios(medians, peer, "cpu_us")
        rows.append([peer, *costs, over, *ratios, *speeds, busy, _number(sample.wire_bytes)])
    return header, rows


def _keepalive_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    rows = [[peer, f"{sample.cpu_share or 0:.2%}"] for peer, sample in medians.items()]
    return ["peer", "of one core"], rows


def _import_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    rows = [[peer, _number(sample.import_us and sample.import_us / 1000)] for peer, sample in medians.items()]
    return ["peer", "ms"], rows


def _live_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    header = (
        "peer,of one core,frames a second,values a second,merged,age p50 ms,age p99 ms,client busy".split(",")
    )
    rows: list[list[str]] = []
    for peer, sample in medians.items():
        rates, ages = (sample.frames, sample.rate), (sample.p50_us, sample.p99_us)
        shares = [f"{share or 0:.0%}" for share in (sample.cpu_share, sample.merged, sample.client_busy)]
        cells = [*map(_number, rates), shares[1], *(_number(age and age / 1000) for age in ages)]
        rows.append([peer, shares[0], *cells, shares[2]])
    return header, rows


def _editing_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    header = "peer,of one core,deliveries a second,CPU µs a delivery,key to the others p50 ms,p99 ms".split(
        ","
    )
    header += ["opening 1 MB of history ms", "client busy"]
    rows: list[list[str]] = []
    for peer, sample in medians.items():
        times = [_number(time and time / 1000) for time in (sample.p50_us, sample.p99_us, sample.open_us)]
        rates = map(_number, (sample.rate, sample.cpu_us))
        rows.append([peer, f"{sample.cpu_share or 0:.0%}", *rates, *times, f"{sample.client_busy or 0:.0%}"])
    return header, rows


def _game_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    header = "peer,of one core,states a second,CPU µs a state,bytes of a state".split(",")
    header += "ticks late p50 ms,p99 ms,client busy".split(",")
    rows: list[list[str]] = []
    for peer, sample in medians.items():
        figures = map(_number, (sample.rate, sample.cpu_us, sample.wire_bytes))
        late = [_number(time and time / 1000) for time in (sample.p50_us, sample.p99_us)]
        rows.append([peer, f"{sample.cpu_share or 0:.0%}", *figures, *late, f"{sample.client_busy or 0:.0%}"])
    return header, rows


def _inbox_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    header = "peer,CPU µs an append,a read,a mark,appends a second".split(",")
    rows = [
        [peer, *map(_number, (sample.cpu_us, sample.read_us, sample.mark_us, sample.rate))]
        for peer, sample in medians.items()
    ]
    return header, rows


def _cut_table(medians: dict[str, Sample]) -> tuple[Sequence[str], list[list[str]]]:
    header = "peer,s to the last recovered,p50 of a return in ms,acknowledged and none lost".split(",")
    header += ["recovered deliveries", "CPU µs a delivery"]
    rows = [
        [
            peer,
            _number(sample.recovered_s),
            _number(sample.recovered_p50_us and sample.recovered_p50_us / 1000),
            *map(_number, (sample.published, sample.missed, sample.cpu_us)),
        ]
        for peer, sample in medians.items()
    ]
    return header, rows


def _work_section(results: Results, work: Work) -> list[str]:
    medians = results.medians(work.name)
    lines = [f"### {work.name}: {work.title}", ""]
    if work.mode == "idle":
        header, rows = _memory_table(medians)
    elif work.mode == "cut":
        header, rows = _cut_table(medians)
    elif work.mode == "live":
        header, rows = _live_table(medians)
    elif work.mode == "editing":
        header, rows = _editing_table(medians)
    elif work.mode == "game":
        header, rows = _game_table(medians)
    elif work.mode == "inbox":
        header, rows = _inbox_table(medians)
    elif work.mode == "keepalive":
        header, rows = _keepalive_table(medians)
    elif work.mode == "import":
        header, rows = _import_table(medians)
    else:
        header, rows = _cpu_table(medians, work)
    lines += _table(header, rows)
    lines += [
        f"\nNo figure for {peer}: {reason}" for peer, reason in results.failures.get(work.name, {}).items()
    ]
    if work.deflate == "default":
        lines += ["", "Negotiated: " + "; ".join(f"{peer}: `{s.extensions}`" for peer, s in medians.items())]
    return [*lines, ""]


#: What a target is held against that names no peer.
_ALONE = {"growth": "before", "cpu_share": "one core", "p999_us": ""} | dict.fromkeys(
    ("cpu_us", "p99_us", "open_us", "read_us"), "µs"
)


def _targets_section(results: Results) -> list[str]:
    rows: list[list[str]] = []
    for target in TARGETS:
        value = target.value(results.medians)
        if value is not None:
            against = target.theirs or _ALONE.get(target.field, "bytes")
            if target.base:
                against = f"{against}, {target.base}" if target.theirs else target.base
            verdict = "met" if target.met(value) else "**missed**"
            figures = [f"{value:.4g}", f"{'≥' if target.least else '≤'} {target.bound:g}", verdict]
            rows.append([target.work, target.ours, against, target.field, *figures])
    if not rows:
        return []
    return ["## Targets", "", *_table(["work", "ours", "against", "of", "measured", "must be", ""], rows), ""]


def _machine_section(results: Results) -> list[str]:
    machine = dict(results.machine)
    versions = machine.pop("versions")
    assert isinstance(versions, dict)
    lines = ["## Taken on", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += ["- versions: " + ", ".join(f"{name} {number}" for name, number in versions.items())]  # pyright: ignore
    lines += ["", "## Settings of the peers", ""]
    return lines + [f"- {peer}: {settings}" for peer, settings in results.settings.items()] + [""]


def to_markdown(results: Results) -> str:
    """The whole report."""
    lines = [
        f"# Run of {results.started}",
        "",
        f"Medians of {results.rounds} interleaved rounds, {results.duration:g} s measured in each.",
        "CPU is the server's: user and system time of all threads and children. The two apart come from the kernel's",
        "ticks and are coarser than their sum.",
        "",
        *_targets_section(results),
        "## Works",
        "",
    ]
    for name in results.names():
        lines += _work_section(results, WORKS[name])
    return "\n".join([*lines, *_machine_section(results)])


def write(results: Results, folder: Path) -> tuple[Path, Path]:
    """Write ``run-TIME.json`` and ``run-TIME.md``.

    Returns:
        The two files.
    """
    folder.mkdir(exist_ok=True)
    stem = "run-" + results.started.replace(":", "").replace("-", "").rstrip("Z")
    works = {
        name: {
            peer: {"median": asdict(_median(samples)), "rounds": [asdict(sample) for sample in samples]}
            for peer, samples in results.samples.get(name, {}).items()
        }
        for name in results.names()
    }
    content = {
        "started": results.started,
        "rounds": results.rounds,
        "duration": results.duration,
        "machine": results.machine,
        "settings": results.settings,
        "works": works,
        "failures": results.failures,
    }
    as_json, as_markdown = folder / f"{stem}.json", folder / f"{stem}.md"
    as_json.write_text(json.dumps(content, indent=1) + "\n")
    as_markdown.write_text(to_markdown(results))
    return as_json, as_markdown
