"""The tables of a run, as Markdown, and their place in docs/benchmarks.md."""

from pathlib import Path

from benchmarks.harness.contestants.base import BENCHMARKS
from benchmarks.harness.gates import judge
from benchmarks.harness.points import LOAD_TITLES, ROUTES, Route
from benchmarks.harness.results import Measured, Run, Standing

PAGE = BENCHMARKS.parent / "docs" / "benchmarks.md"


def render(run: Run) -> str:
    """The whole report of a run."""
    calibrations = [p.calibration_ms for s in run.contestants for p in s.points if p.calibration_ms]
    facts = "; ".join(f"{name} {value}" for name, value in run.machine.items())
    disturbed = (
        f"A fixed loop on the gateways' core took {min(calibrations):.0f}-{max(calibrations):.0f} ms from point to "
        "point: that spread is the machine's, not the gateways'."
        if calibrations
        else ""
    )
    sections = [
        f"Run of {run.date} (UTC), {run.seconds:g} s a point, best of {run.rounds} round(s). {facts}. {disturbed}",
        _missing(run),
        "### Targets\n\n" + _gates(run),
        "### Passed through: CPU ms per request at 16 connections\n\n"
        + _cpu(run, [r for r in ROUTES if "->" not in r.name]),
        "### Translated: CPU ms per request at 16 connections\n\n" + _cpu(run, [r for r in ROUTES if "->" in r.name]),
        "### Start and memory\n\n" + _start(run),
        "### Seen by the client\n\n" + _latency(run),
        "### How each was run\n\n" + "\n".join(f"- {s.title} {s.version}: {s.note}" for s in run.contestants),
    ]
    return "\n\n".join(section.strip() for section in sections if section.strip())


def publish(section: str, text: str, page: Path = PAGE) -> None:
    """Puts the text between the page's markers of that section (results, soak, profile).

    Raises:
        ValueError: the page has no such markers.
    """
    opening, closing = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, begin, rest = page.read_text().partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {opening} and {closing}")
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _missing(run: Run) -> str:
    said = [f"- **{s.title} was not measured:** {s.problem}" for s in run.contestants if s.problem]
    for standing in run.contestants:
        said += [f"- **{standing.title}, {p.key}, has no number:** {p.problem}" for p in standing.points if p.problem]
        said += [f"- **{standing.title}, {p.key}, had errors:** {p.errors}" for p in standing.points if p.errors]
        said += [f"- **{standing.title}, {p.key}, miscounts:** {p.remark}" for p in standing.points if p.remark]
    return "\n".join(line.replace("\n", " ").replace("|", "/") for line in said)


def _gates(run: Run) -> str:
    return _table(
        ["what", "target", "found", "verdict"],
        [[gate.what, gate.target, gate.found, gate.verdict] for gate in judge(run)],
    )


def _cpu(run: Run, routes: list[Route]) -> str:
    """A row for each gateway; beside each number, how many times Tenbin's it is."""
    tenbin = run.contestant("tenbin")
    columns = [(load, route) for load in LOAD_TITLES for route in routes]
    columns = [c for c in columns if any(s.point(f"{c[0]} {c[1].name} c16") for s in run.contestants)]
    rows = []
    for standing in run.contestants:
        cells = []
        for load, route in columns:
            key = f"{load} {route.name} c16"
            ours = tenbin.cpu_ms(key) if tenbin and standing is not tenbin else None
            cells.append(_cell(standing.cpu_ms(key), ours))
        if any(cell != "-" for cell in cells):
            rows.append([_name(standing), *cells])
    return _table(["gateway", *(f"{LOAD_TITLES[load]}, {route.name}" for load, route in columns)], rows)


def _cell(cpu_ms: float | None, ours: float | None) -> str:
    if cpu_ms is None:
        return "-"
    shown = f"{cpu_ms:.3f}" if cpu_ms < 10 else f"{cpu_ms:.1f}"
    if not ours:
        return shown
    ratio = cpu_ms / ours
    return f"{shown} ({ratio:.0f}x)" if ratio >= 10 else f"{shown} ({ratio:.2g}x)"


def _name(standing: Standing) -> str:
    return f"**{standing.title}**" if standing.name == "tenbin" else standing.title


def _start(run: Run) -> str:
    rows = [
        [
            _name(s),
            f"{s.start_s:.2f}",
            f"{s.start_cpu_ms / 1000:.2f}",
            f"{s.rss_ready_mb:.0f}",
            f"{s.rss_loaded_mb:.0f}",
        ]
        for s in run.contestants
        if not s.problem
    ]
    return _table(["gateway", "start to ready, s", "CPU until ready, s", "RSS ready, MB", "RSS loaded, MB"], rows)


def _latency(run: Run) -> str:
    """Requests per second and latencies of the loads that were driven at several numbers of connections."""
    keys = list(dict.fromkeys(p.key for s in run.contestants for p in s.points if p.load in ("small", "bulk")))
    keys = [key for key in keys if key.split()[1] in ("chat", "messages", "messages->chat")]
    rows = []
    for standing in run.contestants:
        cells = [_seen(standing.point(key)) for key in keys]
        if any(cell != "-" for cell in cells):
            rows.append([_name(standing), *cells])
    return "Requests per second, p50 / p99 in ms.\n\n" + _table(["gateway", *keys], rows)


def _seen(point: Measured | None) -> str:
    if point is None or point.cpu_ms is None:
        return "-"
    return f"{point.requests_per_s:.0f}/s, {point.p50_ms:.3g} / {point.p99_ms:.3g}"
