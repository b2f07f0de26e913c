"""The targets a run is judged by. They are promises about Tenbin complete, as CPU time, which a busy machine
disturbs less than requests per second."""

from dataclasses import dataclass

from benchmarks.harness.results import Run, Standing

PASSED_THROUGH = ("chat", "messages")


@dataclass(frozen=True)
class Gate:
    """One target and what the run found: `reached` is None when the run could not tell."""

    what: str
    target: str
    found: str
    reached: bool | None

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "reached", False: "NOT REACHED", None: "not measured"}[self.reached]


def judge(run: Run) -> list[Gate]:
    """All gates, in the order of the report."""
    tenbin = run.contestant("tenbin")
    return [
        _at_most(tenbin, "small JSON, CPU per request", [f"small {route} c16" for route in PASSED_THROUGH], 0.35),
        _against(run, "small JSON against TensorZero", "tensorzero", at_most=1.4),
        _against(run, "small JSON against LiteLLM", "litellm", at_most=1 / 60),
        _at_most(tenbin, "ticked stream, CPU per request", [f"ticked {route} c16" for route in PASSED_THROUGH], 1.5),
        _at_most(tenbin, "100 KB request, CPU per request", ["agent messages c16"], 0.7),
        _figure("start to ready, without the local model", 1.0, "s", tenbin.start_s if tenbin else None),
        _figure("resident memory under load", 90.0, "MB", tenbin.rss_loaded_mb if tenbin else None),
        _no_errors(tenbin),
        _audit(tenbin),
    ]


def _figure(what: str, limit: float, unit: str, found: float | None) -> Gate:
    shown = "-" if found is None else f"{found:.3g} {unit}"
    return Gate(what, f"<= {limit:g} {unit}", shown, None if found is None else found <= limit)


def _at_most(tenbin: Standing | None, what: str, keys: list[str], limit_ms: float) -> Gate:
    """The worst of the points counts."""
    found = [cpu for key in keys if tenbin and (cpu := tenbin.cpu_ms(key)) is not None]
    return _figure(what, limit_ms, "ms", max(found) if len(found) == len(keys) else None)


def _against(run: Run, what: str, peer_name: str, at_most: float) -> Gate:
    """Tenbin's share of a peer's CPU per small chat request, both at 16 connections in this run."""
    key = "small chat c16"
    tenbin, peer = run.contestant("tenbin"), run.contestant(peer_name)
    ours, theirs = (standing.cpu_ms(key) if standing else None for standing in (tenbin, peer))
    target = f"<= {at_most:g} x" if at_most >= 1 else f"{1 / at_most:.0f} x less"
    if ours is None or theirs is None:
        return Gate(what, target, "-", None)
    ratio = ours / theirs
    return Gate(what, target, f"{ratio:.2f} x" if at_most >= 1 else f"{1 / ratio:.0f} x less", ratio <= at_most)


def _no_errors(tenbin: Standing | None) -> Gate:
    what, target = "errors and wrong answers", "none"
    if tenbin is None or not tenbin.points:
        return Gate(what, target, "-", None)
    wrong = [point.key for point in tenbin.points if point.problem or point.remark]
    errors = sum(sum(point.errors.values()) for point in tenbin.points)
    found = f"{errors} errors" + (f", wrong: {', '.join(wrong)}" if wrong else "")
    return Gate(what, target, found, not wrong and not errors)


def _audit(tenbin: Standing | None) -> Gate:
    return Gate(
        "a receipt for every answer, to the nano-USD",
        "exact",
        (tenbin.audit if tenbin else "") or "-",
        tenbin.audit_exact if tenbin else None,
    )
