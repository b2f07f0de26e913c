"""4. Up a ladder: the cheapest rung first, the next one when gates refuse its answer, the best held answer when no
later rung can give one. A generator of steps like the whole decision, and as pure.
"""

from collections.abc import Generator
from typing import Literal

from tenbin.core.ask import Ask
from tenbin.core.facts import Facts, PriceOf
from tenbin.core.features import Features
from tenbin.core.gating import Climb
from tenbin.core.money import nano_from_usd
from tenbin.core.problems import Failure
from tenbin.core.steps import (
    Answered,
    Call,
    Consult,
    Failed,
    Held,
    Hold,
    Note,
    Pause,
    Release,
    Sense,
    Sensed,
    Step,
    StepOutcome,
    Verdict,
)
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.decide import retry
from tenbin.decide.candidates import Chain
from tenbin.decide.choice import KnownNow
from tenbin.decide.climbing import hold_of, of_candidates, of_weighing, planned
from tenbin.decide.ladder import Ladder, RungInForce
from tenbin.decide.policy import Policy
from tenbin.decide.trying import too_late, worth_telling

ANSWERED = Verdict(answered=True)

WORTH_ASKING = 0.5
"""An answer whose chance is below this share of what is needed is not worth asking anybody about. Assumed."""
JUDGE_OUTPUT = 300
"""Tokens that a judge's mark is expected to take. Assumed."""

Plan = Generator[Step, StepOutcome, Verdict]
End = Literal["next", "top", "best"]
"""What follows a rung that has not answered: the next one, the top one, or the best answer so far."""


class Climber:
    """What one request has come to on its ladder."""

    def __init__(
        self, ask: Ask, facts: Facts, policy: Policy, ladder: Ladder, climb: Climb, chain: Chain, price: PriceOf | None
    ) -> None:
        self.ask, self.facts, self.policy = ask, facts, policy
        self.ladder, self.climb, self.chain = ladder, climb, chain
        self.price = price
        weighed = chain.weighing.features if chain.weighing is not None else Features()
        self.features = climb.features if climb.features is not None else weighed
        self.attempt = 0
        self.told: Failure | None = None
        self.best: Held | None = None
        """The best of the refused answers that are better than none."""
        self.now_ms = facts.now_ms
        self.spent_nano = 0
        """On opinions, as expected."""

    def go(self) -> Plan:
        """Try the rungs that are worth it; then give the best held answer; then whoever is left."""
        yield Note(climb=self.climb)
        able = {target.name for target in self.chain.targets}
        places = [place for place, one in enumerate(self.ladder.rungs) if one.target.name in able]
        wanted = [place for place in places if not self.climb.rungs[place].skipped]
        verdict = yield from self._rungs(wanted)
        if verdict is None and self.best is not None:
            verdict = yield from self._release(self.best)
        if verdict is None:
            others = [self.ladder.rungs[place].target for place in reversed(places) if place not in wanted]
            named = {one.target.name for one in self.ladder.rungs}
            others += [target for target in self.chain.targets if target.name not in named]
            verdict = yield from self._others(others)
        if verdict is not None:
            return verdict
        return Verdict(answered=False, failure=self.told)

    def _rungs(self, places: list[int]) -> Generator[Step, StepOutcome, Verdict | None]:
        at = 0
        while at < len(places):
            last = at + 1 == len(places)
            over = self.climb.until_ms is not None and self.now_ms >= self.climb.until_ms
            if over and not last:
                if self.ladder.settings.late == "climb":
                    at = len(places) - 1
                    continue
                if self.best is not None:
                    return None
            # A top answer is judged only where there is another one that might be better.
            judged = not last or (self.ladder.settings.judge_top and self.best is not None)
            outcome = yield from self._rung(places[at], held=judged and not over, last=last)
            if isinstance(outcome, Verdict):
                return outcome
            if outcome == "best":
                return None
            at = len(places) - 1 if outcome == "top" and not last else at + 1
        return None

    def _rung(self, place: int, *, held: bool, last: bool) -> Generator[Step, StepOutcome, Verdict | End]:
        one, plan = self.ladder.rungs[place], self.climb.rungs[place]
        hold = hold_of(one, plan, self.climb, self.ladder.settings, self.ask, self.features.task) if held else None
        others = not last or self.best is not None or bool(self.policy.fallback)
        outcome = yield from self._tried(one.target, place + 1, hold, others=others)
        if type(outcome) is not Held:
            return self._ended(outcome)
        self.now_ms = max(self.now_ms, outcome.at_ms)
        if outcome.why == "whole" and hold is not None:
            outcome = yield from self._opinions(one, place + 1, outcome)
        if outcome.why == "late":
            if self.ladder.settings.late == "climb":
                self._keep(outcome)
                return "top"
            if self.best is not None:
                return "best"
        elif not outcome.passed:
            self._keep(outcome)
            return "next"
        verdict = yield from self._release(outcome)
        return verdict if verdict is not None else "next"

    def _ended(self, outcome: StepOutcome) -> Verdict | End:
        """What follows a call whose answer was not held."""
        if type(outcome) is Answered:
            return ANSWERED
        assert type(outcome) is Failed
        if outcome.committed:
            return Verdict(answered=False, failure=outcome.failure)
        self.told = worth_telling(self.told, outcome.failure)
        if outcome.failure.kind in retry.STOP or too_late(outcome, 0, self.facts):
            return "best" if self.best is not None else Verdict(answered=False, failure=self.told)
        return "next"

    def _release(self, held: Held) -> Generator[Step, StepOutcome, Verdict | None]:
        """Give a held answer; None when the rest of it did not come and the client has seen nothing."""
        outcome = yield Release(of=held.of)
        if self.best is not None and self.best.of == held.of:
            self.best = None
        ended = self._ended(outcome)
        return ended if isinstance(ended, Verdict) else None

    def _keep(self, held: Held) -> None:
        if held.usable and (self.best is None or (held.score or 0.0) > (self.best.score or 0.0)):
            self.best = held

    def _others(self, targets: list[Target]) -> Generator[Step, StepOutcome, Verdict | None]:
        """Those that were skipped, then the fallback: nobody else could answer."""
        for position, target in enumerate(targets):
            outcome = yield from self._tried(target, 0, None, others=position + 1 < len(targets))
            ended = self._ended(outcome)
            if isinstance(ended, Verdict):
                return ended
        return None

    def _tried(
        self, target: Target, rung: int, hold: Hold | None, *, others: bool
    ) -> Generator[Step, StepOutcome, StepOutcome]:
        """Call a target, again where that may help."""
        tries = 0
        while True:
            self.attempt += 1
            tries += 1
            outcome = yield Call(
                target=target,
                attempt=self.attempt,
                route=self.chain.route,
                tagged=self.chain.tagged,
                rung=rung,
                hold=hold,
            )
            if type(outcome) is not Failed or outcome.committed:
                return outcome
            self.now_ms = max(self.now_ms, outcome.at_ms)
            draw, retries = self.facts.draw, self.policy.retries
            reaction = retry.after(outcome.failure, tries, others=others, draw=draw, retries=retries)
            if reaction.action != "again" or too_late(outcome, reaction.pause_ms, self.facts):
                return outcome
            yield Pause(reaction.pause_ms)

    def _opinions(self, one: RungInForce, rung: int, held: Held) -> Generator[Step, StepOutcome, Held]:
        """Ask the rung's model again, and its judge, where that may change the verdict and the money allows."""
        plan = self.climb.rungs[rung - 1]
        wanted: list[tuple[Consult, int | None]] = []
        for _ in range(one.rung.samples):
            consult = Consult(of=held.of, purpose="agreement", target=one.target, attempt=0, rung=rung)
            wanted.append((consult, plan.cost_nano))
        if one.judge is not None and one.rung.judge is not None:
            asked = one.rung.judge
            consult = Consult(
                of=held.of,
                purpose="judge",
                target=one.judge,
                attempt=0,
                rung=rung,
                rubric=tuple(asked.rubric),
                timeout_ms=asked.timeout_ms,
            )
            wanted.append((consult, self._judge_nano(one.judge)))
        most = nano_from_usd(repr(self.ladder.settings.opinions_usd))
        for consult, nano in wanted:
            too_bad = held.score is None or held.score < WORTH_ASKING * held.accept
            if too_bad or not held.usable or nano is None or self.spent_nano + nano > most:
                continue
            self.spent_nano += nano
            self.attempt += 1
            outcome = yield Consult(
                of=consult.of,
                purpose=consult.purpose,
                target=consult.target,
                attempt=self.attempt,
                rung=rung,
                rubric=consult.rubric,
                timeout_ms=consult.timeout_ms,
            )
            assert type(outcome) is Held
            held = outcome
            self.now_ms = max(self.now_ms, held.at_ms)
        return held

    def _judge_nano(self, judge: Target) -> int | None:
        """What a mark is expected to cost; None when nobody knows."""
        price = self.price(judge.provider, judge.model, self.facts.now_ms) if self.price is not None else None
        if price is None:
            return None
        prompt = self.features.prompt_tokens + 2 * JUDGE_OUTPUT
        return price.cost(Usage(input=prompt, output=JUDGE_OUTPUT))


def climber_of(
    ask: Ask, facts: Facts, policy: Policy, known: KnownNow | None, chain: Chain
) -> Generator[Step, StepOutcome, Climber | None]:
    """Who takes this request up a ladder; None where it has none, or only one of its rungs is there."""
    cascades = policy.cascades
    assert cascades is not None
    held = known() if known is not None else None
    ladder = cascades.ladders.get(chain.name)
    if ladder is not None:
        sensed = yield Sense("request")
        if known is not None and (policy.routing is None or policy.routing.settings.learned):
            sensed = yield Sense("complexity")
        assert type(sensed) is Sensed
        climb = planned(ladder, cascades, ask, sensed, held, facts.now_ms)
    elif chain.weighing is not None and cascades.climb is not None and policy.routing is not None:
        ladder = of_weighing(cascades.climb, chain.weighing, policy.routing.candidates)
        if ladder is None:
            return None
        climb = of_candidates(ladder, chain.weighing, ask)
        # Who was weighed as a step up may be too far back in the order to be in the chain.
        names = {target.name for target in chain.targets}
        further = tuple(one.target for one in ladder.rungs if one.target.name not in names)
        chain = chain._replace(targets=chain.targets + further)
    else:
        return None
    return Climber(ask, facts, policy, ladder, climb, chain, held.price if held is not None else None)
