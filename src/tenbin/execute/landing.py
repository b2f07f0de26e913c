"""1. Soft landing on the way in: what a request's caller has left decides how much is done for it, or that it waits.

What a turn began with it ends with: which stage chose its model is remembered until its next turn.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.config.landing import LandingConfig
from tenbin.core.ask import Ask, Caller
from tenbin.core.landing import NO_EFFECTS, Effects, Landing
from tenbin.core.problems import Problem
from tenbin.core.sketch import Sketch
from tenbin.decide.balance import fullest, refusal, spent_share, standing_headers
from tenbin.decide.hints import hints, session_key
from tenbin.decide.landing import Reached, costs_nothing, effects, inside, paused, reached
from tenbin.execute.answer_headers import safe

if TYPE_CHECKING:
    from tenbin.execute.spending.engine import Budgets
    from tenbin.execute.world import World

MOST_TURNS = 256
"""Of one caller's key: turns that began with less whose stage is remembered."""
MOST_CALLERS = 4_096
HEADER = b"x-tenbin-landing"


class SoftLanding:
    """All of one gateway. Used from the event loop only."""

    def __init__(self, settings: LandingConfig | None, world: "World", budgets: "Budgets") -> None:
        self._turns: OrderedDict[str, OrderedDict[str, int]] = OrderedDict()
        """By key and conversation: the stage at which its turn began."""
        self.configure(settings, world, budgets)

    def configure(self, settings: LandingConfig | None, world: "World", budgets: "Budgets") -> None:
        """Put settings in force (None: clients are told how full their budgets are, and nothing else is done)."""
        self._settings = settings
        self._world = world
        self._budgets = budgets

    def land(self, ask: Ask, codec: Dialect, now_ms: int) -> Ask | Problem:
        """The request with what is done about it on it, or why it waits. Raises Unreadable."""
        if ask.operation not in ("generate", "embed"):
            return ask
        levels = self._budgets.levels_of(ask.caller, now_ms)
        if not levels:
            return ask
        if ask.dialect == "anthropic" and (most := fullest(levels)) is not None:
            ask = msgspec.structs.replace(ask, told=ask.told + standing_headers(most))
        settings = self._settings
        if settings is None:
            return ask
        found = reached(settings, levels, now_ms)
        turns = self._turns.get(ask.caller.key_id)
        if not found.stage and found.stopping is None and not turns:
            return ask
        return self._landed(settings, ask, codec, found, now_ms)

    def _landed(self, settings: LandingConfig, ask: Ask, codec: Dialect, found: Reached, now_ms: int) -> Ask | Problem:
        sketch = codec.sketch(ask.body) if ask.operation == "generate" else Sketch()
        new_turn = not sketch.in_tool_loop
        if new_turn and (found.stage or found.stopping):
            refused = self._refused(settings, ask, found, now_ms)
            if refused is not None:
                return refused
        if ask.operation == "embed":
            return ask  # Vectors of another model would mean something else.
        key = session_key(ask.caller.key_id, hints(ask.headers), ask.head.session, sketch)
        turn_stage = self._turn_stage(settings, ask.caller.key_id, key, found.stage, new_turn=new_turn)
        landing = _landing(settings, found, turn_stage)
        done = landing.effects
        if done == NO_EFFECTS:
            return ask
        body, head = codec.limited(ask.body, ask.head, max_tokens=done.max_tokens, effort=done.effort)
        if body is not ask.body:
            landing = msgspec.structs.replace(landing, asked_body=ask.body)
        told = (*ask.told, (HEADER, header(landing)))
        return msgspec.structs.replace(ask, body=body, head=head, landing=landing, told=told)

    def _refused(self, settings: LandingConfig, ask: Ask, found: Reached, now_ms: int) -> Problem | None:
        """Why this new turn is not begun; None where it is. What costs nothing is not stopped, only paused by name."""
        stop, level, brief = found.stopping, found.level, False
        if paused(settings.stages[: found.stage], ask):
            what = "Requests of this kind wait until the budget begins anew"
        elif stop is not None and not self._costs_nothing(ask, _landing(settings, found, found.stage)):
            level, brief = stop, spent_share(stop) < settings.stop_at
            what = "No new request is begun, what is left is kept for those under way"
        else:
            return None
        assert level is not None
        problem = refusal(level, now_ms, what=what, anthropic=ask.dialect == "anthropic", brief=brief)
        said = f"stage={found.stage}; refused; budget={level.claim.counter}; share={level.share:.3f}"
        headers = (*problem.headers, (HEADER, safe(said)))
        return msgspec.structs.replace(problem, headers=headers)

    def _costs_nothing(self, ask: Ask, landing: Landing) -> bool:
        world, account = self._world, ask.caller.account
        if account is not None and account.restricted:
            world = world.within(account)
        known = world.senses.known
        return known is not None and costs_nothing(ask, world.landed(landing).policy, known().price)

    def _turn_stage(self, settings: LandingConfig, key_id: str, key: str, stage: int, *, new_turn: bool) -> int:
        """The stage that chooses the model: the one at which the turn began, or a later one that changes turns too."""
        turns = self._turns.get(key_id)
        if new_turn:
            if stage and key:
                self._remember(key_id, key, stage)
            elif turns is not None and turns.pop(key, None) is not None and not turns:
                del self._turns[key_id]
            return stage
        began = turns.get(key, 0) if turns is not None and key else 0
        now = max(min(began, len(settings.stages)), inside(settings, stage))
        if now > began and key:
            self._remember(key_id, key, now)
        return now

    def _remember(self, key_id: str, key: str, stage: int) -> None:
        turns = self._turns.get(key_id)
        if turns is None:
            turns = self._turns[key_id] = OrderedDict()
            if len(self._turns) > MOST_CALLERS:
                self._turns.popitem(last=False)
        turns[key] = stage
        turns.move_to_end(key)
        if len(turns) > MOST_TURNS:
            turns.popitem(last=False)

    # -- for those who ask by themselves

    def present(self, caller: Caller, now_ms: int) -> Effects | None:
        """What is done for a caller now, whatever it asks; None where nothing is."""
        settings = self._settings
        if settings is None:
            return None
        stage = reached(settings, self._budgets.levels_of(caller, now_ms), now_ms).stage
        return effects(settings.stages, stage, stage) if stage else None

    def user_limits(self, caller: Caller, now_ms: int) -> float:
        """Share of its plan's daily limits that is left to a caller, 0..1."""
        done = self.present(caller, now_ms)
        return 1.0 if done is None else done.user_limits

    def no_background(self, now_ms: int) -> bool:
        """Whether nothing is to be spent on Tenbin's own account."""
        done = self.present(OWN, now_ms)
        return done is not None and done.no_background


OWN = Caller(key_id="tenbin")
"""Whom the budgets for everybody count, and no other."""


def _landing(settings: LandingConfig, found: Reached, turn_stage: int) -> Landing:
    level = found.level
    assert level is not None, "whoever is counted by no budget does not land"
    return Landing(
        stage=found.stage,
        turn_stage=turn_stage,
        effects=effects(settings.stages, found.stage, turn_stage),
        counter=level.claim.counter,
        share=level.share,
        until_ms=level.claim.ends_at_ms,
    )


def header(landing: Landing) -> bytes:
    """What an answer says of it: the stage, how full which budget is, and what is done."""
    done = ",".join(landing.effects.words)
    return safe(f"stage={landing.stage}; budget={landing.counter}; share={landing.share:.3f}; effects={done}")
