"""8. A running gateway's experiments: taken up when their file changes, ended when the treatment surely does harm.

It looks at files and the ledger's database in threads of its own; requests meet only what is in force (execute.Trial).
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tenbin.config.arms import BadArm
from tenbin.config.experiments import Experiment
from tenbin.config.load import stamp
from tenbin.config.model import Config
from tenbin.execute.clock import Clock
from tenbin.execute.experiment import Trial, trial
from tenbin.execute.world import World
from tenbin.ledger.experiments import ExperimentsUnusable, ended, experiments_file, in_force, read_experiments
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.queries import reading
from tenbin.ledger.segments import DATABASE

LOG = logging.getLogger("tenbin")

WATCH_MS = 1_000
"""How often the file of experiments is looked at."""
GUARD_MS = 5_000
"""How often a running experiment's figures are looked at for harm. They may be looked at any number of times."""


class ExperimentWatch:
    """What of experiments concerns one gateway. ``directory`` is its data directory."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._broken: Experiment | None = None
        self._guard: Guard | None = None
        self.experiment: Experiment | None = None
        """The one in force."""
        self._read()

    def trial(self, config: Config, world: World) -> Trial | None:
        """The experiment in force, compiled for a configuration; None where there is none. One that cannot be compiled
        is told of, and everybody goes by the configuration.
        """
        experiment, self._broken = self.experiment, None
        if experiment is None:
            return None
        try:
            return trial(experiment, config, world)
        except BadArm as error:
            LOG.error("The experiment %s is not carried out: %s.", experiment.name, error)
            self._broken = experiment
            return None

    async def run(self, changed: Callable[[], None]) -> None:
        """Watch until cancelled; ``changed`` is called when another experiment, or none, is in force."""
        since_guard = 0
        while True:
            await asyncio.sleep(WATCH_MS / 1000)  # Real time: it is files that are waited for.
            since_guard += WATCH_MS
            try:
                experiment = self.experiment
                if await asyncio.to_thread(self._moved):
                    self._read()
                    if self.experiment != experiment:
                        self._tell(experiment)
                        changed()
                elif since_guard >= GUARD_MS and self._on_guard():
                    since_guard = 0
                    await asyncio.to_thread(self._look_for_harm)
            except Exception:
                LOG.exception("Experiments could not be looked at.")

    def _moved(self) -> bool:
        return stamp(experiments_file(self._directory)) != self._seen

    def _read(self) -> None:
        self._seen = stamp(experiments_file(self._directory))
        try:
            self.experiment = in_force(read_experiments(self._directory))
        except ExperimentsUnusable as error:
            LOG.error("No experiment is carried out: %s", error)
            self.experiment = None
        if self.experiment is None or self._guard is None or self._guard.experiment != self.experiment:
            self._guard = Guard(self.experiment) if self._on_guard() and self.experiment is not None else None

    def _tell(self, before: Experiment | None) -> None:
        now = self.experiment
        if now is None:
            LOG.info("No experiment is running any more%s.", f" ({before.name})" if before is not None else "")
        elif now.state == "running":
            LOG.info("The experiment %s is running: %.0f %% treatment.", now.name, 100 * now.share)

    def _on_guard(self) -> bool:
        return self.experiment is not None and self.experiment.state == "running" and self._broken is None

    def _look_for_harm(self) -> None:
        """In a thread. What is found is written into the file, and taken up like any other change of it."""
        guard = self._guard
        if guard is None:
            return
        try:
            reason = guard.look(self._directory / DATABASE)
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            LOG.warning("The experiment %s cannot be looked at for harm: %s", guard.experiment.name, error)
            return
        if reason:
            LOG.warning(
                "The experiment %s has ended, everybody is given the control arm: %s.", guard.experiment.name, reason
            )
            ended(self._directory, guard.experiment, harmed=True, reason=reason, at_ms=self._clock.now_ms())


class Guard:
    """Looks at one experiment's figures, again and again."""

    def __init__(self, experiment: Experiment) -> None:
        # Imported here: arrays are needed only where an experiment runs.
        from tenbin.measure.experiments.outcomes import Outcomes

        self.experiment = experiment
        self._outcomes = Outcomes(experiment.name)

    def look(self, database: Path) -> str:
        """Why the experiment does harm; empty when it does not, as far as is known. Raises what ``reading`` does."""
        from tenbin.measure.experiments.estimates import Table
        from tenbin.measure.experiments.harm import harm

        if not database.exists():
            return ""
        with reading(database) as connection:
            self._outcomes.read_on(connection)
        if not len(self._outcomes):
            return ""
        found = harm(self.experiment, Table(self._outcomes))
        return found.reason if found is not None else ""
