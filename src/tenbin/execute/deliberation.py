"""5. What a weighed decision asks to be found out before anybody is called: performed, and kept for the receipt."""

from typing import TYPE_CHECKING, Any

from tenbin.core.ask import Ask
from tenbin.core.gating import Climb
from tenbin.core.receipt import Attempt
from tenbin.core.signal import Signal
from tenbin.core.steps import Judge, Note, Noted, Sense, StepOutcome
from tenbin.core.weighing import Weighing
from tenbin.execute.sensing import Sensing

if TYPE_CHECKING:
    from tenbin.execute.world import World

NOTED = Noted()


class Deliberation:
    """The senses and the notes of one request."""

    def __init__(self, world: "World", ask: Ask) -> None:
        self._world = world
        self._ask = ask
        self._sensing: Sensing | None = None
        self.weighing: Weighing | None = None
        """How the target was chosen, once it is."""
        self.climb: Climb | None = None
        """What was planned for a ladder, once it is."""

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What the request tells of its conversation's last answer."""
        return self._sensing.signals if self._sensing is not None else ()

    async def perform(self, step: Sense | Judge | Note, trace: list[Any], attempts: list[Attempt]) -> StepOutcome:
        """Find out or keep what the step says. Raises Unreadable for a body that is no JSON object."""
        world, ask = self._world, self._ask
        sensing = self._sensing
        if sensing is None:
            sensing = self._sensing = await world.senses.of(ask, world.dialects(ask.dialect), world.policy)
        if isinstance(step, Sense):
            return sensing.perform(step)
        if isinstance(step, Judge):
            # Imported here: most gateways never ask a judge.
            from tenbin.execute.judging import ask_judge

            judged = await ask_judge(world, ask, step, sensing.sketch, attempts)
            trace.append(("judge", step.target.name, judged.said or judged.fault))
            return judged
        if step.climb is not None:
            self.climb = step.climb
            trace.append(("climb", step.climb.name))
        if step.weighing is None:
            return NOTED
        self.weighing = step.weighing
        sensing.keep(step.weighing.features)
        trace.append(("weighed", step.weighing.order[0] if step.weighing.order else ""))
        return NOTED
