"""Words of the playbooks: asks, targets, policies and failures, and a driver that follows a plan to its end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from tenbin.config.model import Cooldown, Retries
from tenbin.core.ask import Ask, Caller, Head
from tenbin.core.facts import Facts, TargetHealth
from tenbin.core.problems import Failure, FailureKind
from tenbin.core.steps import Call, Resumed, Step, StepOutcome, Verdict
from tenbin.core.target import Quirks, Target
from tenbin.decide.flow import decide
from tenbin.decide.policy import Policy

KINDS: tuple[FailureKind, ...] = get_args(FailureKind)
NOW_MS = 1_790_000_000_000


def target(name: str, **quirks: Any) -> Target:
    provider, _, model = name.partition("/")
    return Target(provider=provider, model=model, dialects=("anthropic",), quirks=Quirks(**quirks))


def ask(model: str = "smart", **head: Any) -> Ask:
    return Ask(
        request_id="req_1",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        query=b"",
        headers=(),
        body=b"{}",
        head=Head(model=model, **head),
        caller=Caller(key_id="local"),
        arrived_at_ms=NOW_MS,
        arrived_ns=1,
    )


def facts(draw: float = 0.0, health: Mapping[str, TargetHealth] | None = None, **known: Any) -> Facts:
    return Facts(now_ms=NOW_MS, draw=draw, health=health or {}, **known)


def policy(chain: Sequence[Target] = (), **fields: Any) -> Policy:
    """``smart`` is answered by the chain; retries pause 500 ms at first."""
    empty: dict[str, Any] = {
        "hash": "00",
        "chains": {"smart": tuple(chain)},
        "families": (),
        "providers": {one.provider: msgspec.structs.replace(one, model="") for one in chain},
        "facts": {},
        "default": (),
        "fallback": (),
        "retries": Retries(),
        "cooldown": Cooldown(),
    }
    return Policy(**{**empty, **fields})


def failure(kind: FailureKind, **fields: Any) -> Failure:
    return Failure(kind=kind, message=kind, **fields)


def follow(plan: Any, outcome_of: Callable[[Call], StepOutcome]) -> tuple[list[Step], Verdict]:
    """Drive a plan to its end; the steps that it took, and its verdict."""
    steps: list[Step] = []
    try:
        step = next(plan)
        while True:
            steps.append(step)
            assert len(steps) < 10_000, "the decision does not end"
            step = plan.send(outcome_of(step) if isinstance(step, Call) else Resumed())
    except StopIteration as stop:
        return steps, stop.value


def decided(given: Policy, outcome_of: Callable[[Call], StepOutcome], **known: Any) -> tuple[list[Step], Verdict]:
    return follow(decide(ask(), facts(**known), given), outcome_of)


kinds = st.sampled_from(KINDS)
failures = st.builds(
    failure,
    kinds,
    retry_after_ms=st.none() | st.integers(0, 100_000),
    should_retry=st.none() | st.booleans(),
)
retries = st.builds(
    Retries, per_target=st.integers(0, 4), base_ms=st.integers(0, 2_000), max_pause_ms=st.integers(0, 10_000)
)
cooldowns = st.builds(Cooldown, after_failures=st.integers(1, 5), seconds=st.integers(0, 600).map(float))
healths = st.builds(
    TargetHealth,
    failures=st.integers(0, 6),
    closed_until_ms=st.just(0) | st.integers(NOW_MS - 700_000, NOW_MS + 700_000),
    probing_since_ms=st.just(0) | st.integers(NOW_MS - 700_000, NOW_MS),
)
