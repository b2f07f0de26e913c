"""Rate limits and subscription quotas: what a key has used in the current minute, and the headers that say "
"so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tenbin.simulator.clock import Clock
from tenbin.simulator.prompt import ApiError

_WINDOW = 60.0
_FIVE_HOURS, _SEVEN_DAYS = 5 * 3600, 7 * 24 * 3600


class Limits:
    """Counts requests and tokens by key in windows of one minute of the simulated clock.

    Unless a test states limits the figures are large and nothing is refused.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.requests, self.input_tokens, self.output_tokens = 50_000, 20_000_000, 4_000_000
        self.enforced = False
        self.quota: dict[str, Any] = {}
        self._used: dict[str, list[float]] = defaultdict(lambda: [0.0, 0, 0, 0])

    def state(self, stated: Mapping[str, Any]) -> None:
        """Set `requests`, `input_tokens`, `output_tokens` (per minute) and enforce them. Raises ApiError "
        "400."""
        for name, value in stated.items():
            if name not in ("requests", "input_tokens", "output_tokens") or not isinstance(value, int):
                raise ApiError(
                    400, f"simulator: limits: {name} must be requests, input_tokens or output_tokens: integer"
                )
            setattr(self, name, value)
        self.enforced = bool(stated)

    def _window(self, key: str) -> list[float]:
        window = self._used[key]
        if self._clock.now() - window[0] >= _WINDOW:
            window[:] = [self._clock.now(), 0, 0, 0]
        return window

    def admit(self, key: str) -> tuple[str, int] | None:
        """Count a request. Returns None, or (which limit, seconds until it resets) if the request is "
        "refused."""
        window = self._window(key)
        for index, (name, limit) in enumerate(self._limits(), start=1):
            if self.enforced and window[index] >= limit:
                return name, self._reset_in(window)
        window[1] += 1
        return None

    def spend(self, key: str, input_tokens: int, output_tokens: int) -> None:
        """Count the tokens of a request; `input_tokens` without cache reads."""
        window = self._window(key)
        window[2] += input_tokens
        window[3] += output_tokens

    def _limits(self) -> list[tuple[str, int]]:
        return [
            ("requests", self.requests),
            ("input-tokens", self.input_tokens),
            ("output-tokens", self.output_tokens),
        ]

    def _reset_in(self, window: list[float]) -> int:
        return max(1, int(window[0] + _WINDOW - self._clock.now() + 0.999))

    def anthropic_headers(self, key: str) -> list[tuple[str, str]]:
        """Return the `anthropic-ratelimit-*` headers of an API key (resets as RFC 3339)."""
        window = self._window(key)
        reset = self._clock.rfc3339(self._reset_in(window))
        rows = [(name, limit, window[i]) for i, (name, limit) in enumerate(self._limits(), start=1)]
        rows.append(("tokens", self.input_tokens + self.output_tokens, window[2] + window[3]))
        headers: list[tuple[str, str]] = []
        for name, limit, used in rows:
            stem = f"anthropic-ratelimit-{name}"
            left = str(max(0, int(limit - used)))
            headers += [(f"{stem}-limit", str(limit)), (f"{stem}-remaining", left), (f"{stem}-reset", reset)]
        return headers

    def openai_headers(self, key: str) -> list[tuple[str, str]]:
        """Return the `x-ratelimit-*` headers (resets as durations such as `1m0s`)."""
        window = self._window(key)
        seconds = self._reset_in(window)
        reset = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
        rows = [
            ("requests", self.requests, window[1]),
            ("tokens", self.input_tokens + self.output_tokens, window[2] + window[3]),
        ]
        headers: list[tuple[str, str]] = []
        for name, limit, used in rows:
            headers += [
                (f"x-ratelimit-limit-{name}", str(limit)),
                (f"x-ratelimit-remaining-{name}", str(max(0, int(limit - used)))),
                (f"x-ratelimit-reset-{name}", reset),
            ]
        return headers

    def unified_headers(self, key: str, scripted: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the `anthropic-ratelimit-unified-*` headers of a subscription token.

        `scripted` overrides what the control endpoint stated: `status`, `5h`, `7d` and any other window (utilisation
        0..1), `claim`, `overage`, `reset` (epoch seconds).
        """
        quota = {**self.quota, **scripted}
        window = self._window(key)
        share = (window[2] + window[3]) / max(1, self.input_tokens + self.output_tokens)
        now = int(self._clock.now())
        resets = {"5h": now + _FIVE_HOURS, "7d": now + _SEVEN_DAYS}
        used = {"5h": share, "7d": share / 10}
        used.update({name: float(value) for name, value in quota.items() if name[:1].isdigit()})
        worst = max(used, key=lambda name: used[name])
        status = quota.get("status") or _status(used[worst])
        claim = {"5h": "five_hour", "7d": "seven_day"}.get(worst, worst)
        stem = "anthropic-ratelimit-unified"
        headers = [
            (f"{stem}-status", status),
            (f"{stem}-reset", str(quota.get("reset", resets.get(worst, now + _SEVEN_DAYS)))),
            (f"{stem}-representative-claim", str(quota.get("claim", claim))),
            (f"{stem}-fallback-percentage", "0.5"),
            (f"{stem}-overage-status", str(quota.get("overage", "rejected"))),
        ]
        if quota.get("overage", "rejected") == "rejected":
            headers.append((f"{stem}-overage-disabled-reason", "org_level_disabled"))
        for name, value in used.items():
            headers.append((f"{stem}-{name}-status", _status(value)))
            headers.append((f"{stem}-{name}-utilization", f"{value:.4g}"))
            headers.append((f"{stem}-{name}-reset", str(quota.get("reset", resets.get(name, now + _SEVEN_DAYS)))))
        return headers

    def quota_spent(self, scripted: Mapping[str, Any]) -> bool:
        """Whether the subscription quota refuses the request."""
        quota = {**self.quota, **scripted}
        windows = [float(value) for name, value in quota.items() if name[:1].isdigit()]
        return quota.get("status", "") == "rejected" or ("status" not in quota and any(v >= 1 for v in windows))


def _status(utilisation: float) -> str:
    return "rejected" if utilisation >= 1 else "allowed_warning" if utilisation >= 0.75 else "allowed"
