"""The whole decision on one page: a generator that yields Steps, is sent Outcomes, and returns a Verdict.

Pure: the live driver (execute.exchange) performs the steps, a replay looks their outcomes up; both run this code.
"""

from collections.abc import Generator

from tenbin.core.ask import Ask
from tenbin.core.facts import Facts
from tenbin.core.problems import Failure
from tenbin.core.steps import Answered, Call, Failed, Hit, Pause, Step, StepOutcome, Verdict
from tenbin.core.target import Target
from tenbin.decide import retry
from tenbin.decide.allowance import exhausted_last
from tenbin.decide.caching.policy import consult
from tenbin.decide.candidates import Chain, eligible, resolve
from tenbin.decide.cascade import climber_of
from tenbin.decide.choice import KnownNow, chosen, weighs
from tenbin.decide.health import available
from tenbin.decide.hedging import hedge_of
from tenbin.decide.policy import Policy
from tenbin.decide.standing import ordered
from tenbin.decide.trying import too_late, worth_telling

ANSWERED = Verdict(answered=True)


def decide(
    ask: Ask, facts: Facts, policy: Policy, known: KnownNow | None = None
) -> Generator[Step, StepOutcome, Verdict]:
    """Try the targets that are chosen in order until one answers or the failure is final. Without ``known`` nothing is
    weighed.
    """
    if policy.caching is not None and (lookup := consult(ask, policy.caching)) is not None:
        found = yield lookup
        if type(found) is Hit:
            return ANSWERED
    model = ask.head.model
    if ask.steered or model in policy.aliases or (policy.routing is not None and weighs(model, policy)):
        chain = yield from chosen(ask, facts, policy, known)
    else:
        chain = eligible(resolve(model, policy, len(ask.body)), ask.head)
    targets = in_order(chain.targets, facts, policy)
    if policy.cascades is not None and (chain.name or chain.weighing is not None) and ask.operation == "generate":
        climber = yield from climber_of(ask, facts, policy, known, chain._replace(targets=targets))
        if climber is not None:
            verdict = yield from climber.go()
            if verdict.answered or verdict.failure is not None:
                return verdict
            return Verdict(answered=False, failure=nothing_eligible(model, chain))
    verdict = yield from _tried(ask, facts, policy, chain, targets)
    if verdict.answered or verdict.failure is not None:
        return verdict
    return Verdict(answered=False, failure=nothing_eligible(model, chain))


def _tried(
    ask: Ask, facts: Facts, policy: Policy, chain: Chain, targets: tuple[Target, ...]
) -> Generator[Step, StepOutcome, Verdict]:
    """One target after the other; without a failure where there is none."""
    attempt = asked_until = 0
    told: Failure | None = None
    hedging = policy.hedging
    for position, target in enumerate(targets):
        if position < asked_until:
            continue
        tries = 0
        others = position + 1 < len(targets)
        while True:
            attempt += 1
            tries += 1
            hedge = None
            if hedging is not None and tries == 1:
                hedge = hedge_of(ask, facts, hedging, chain, targets, position, attempt)
            outcome = yield Call(target=target, attempt=attempt, route=chain.route, tagged=chain.tagged, hedge=hedge)
            if type(outcome) is Answered:
                return ANSWERED
            assert type(outcome) is Failed
            failure = outcome.failure
            if outcome.committed:
                return Verdict(answered=False, failure=failure)
            if outcome.hedged is not None:
                # Both have failed: on to whoever comes after them.
                told = worth_telling(worth_telling(told, failure), outcome.hedged)
                attempt, asked_until = attempt + 1, position + 2
                if too_late(outcome, 0, facts) or {failure.kind, outcome.hedged.kind} & retry.STOP:
                    return Verdict(answered=False, failure=told)
                break
            reaction = retry.after(failure, tries, others=others, draw=facts.draw, retries=policy.retries)
            if reaction.action == "stop" or too_late(outcome, reaction.pause_ms, facts):
                return Verdict(answered=False, failure=worth_telling(told, failure))
            if reaction.action == "next":
                told = worth_telling(told, failure)
                break
            yield Pause(reaction.pause_ms)
    return Verdict(answered=False, failure=told)


def in_order(targets: tuple[Target, ...], facts: Facts, policy: Policy) -> tuple[Target, ...]:
    """The chain as configured, without those in cooldown; if all are, the chain as it is: somebody has to try. Those
    whose rate limit is used up come last.
    """
    if facts.health:
        health, now = facts.health, facts.now_ms
        well = tuple(target for target in targets if available(health.get(target.name), now, policy.cooldown))
        targets = well or targets
    if policy.cooldown.order_by_health:
        targets = ordered(targets, facts.standings, facts.now_ms)
    if facts.exhausted and len(targets) > 1:
        targets = exhausted_last(targets, facts)
    return targets


def nothing_eligible(model: str, chain: Chain) -> Failure:
    """The failure when no target could even be tried."""
    if chain.rejected:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in chain.rejected)
        return Failure(
            kind="inexpressible",
            message=f"no target of {model!r} can serve this request ({reasons})",
            code="no_eligible_target",
        )
    return Failure(
        kind="not_found",
        message=f"nothing is configured to answer {model!r}: add it under `models`, or set `default`",
        code="no_target",
    )
