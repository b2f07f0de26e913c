"""How noisy a gate is: the evidence (log-odds) that it gives to right answers and to wrong ones.

`python -m benchmarks.cascade.noise ANSWERS.jsonl` reads judged answers (benchmarks.gates.collect makes them), lets the
product's gates judge those that its calibration was not learned from, and writes gate.json: no prompt, no answer.
"""

import argparse
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np

from tenbin.discern.gates.calibration import combine, logit, shipped
from tenbin.discern.gates.registry import judge, names
from tenbin.measure.gates import rows
from tenbin.measure.gates.formulas import Flags, auc
from tenbin.measure.routing.formulas import Floats

FILE = Path(__file__).with_name("gate.json")

VARIANTS: dict[str, tuple[str, ...]] = {
    "all": (),
    "one-answer": ("agreement",),
    "words": ("agreement", "confidence"),
}
"""Which gates are left out: `agreement` needs a second answer, which costs as much as the first; `confidence` needs
log-probabilities, which not every provider gives."""

STEPS = 1999
"""Quantiles that stand for a bell curve."""


@dataclass(frozen=True)
class Noise:
    """What a gate says of answers: all values equally likely."""

    right: Floats
    """Evidence given to right answers, log-odds, rising."""
    wrong: Floats
    """To wrong ones."""

    @property
    def auc(self) -> float:
        """The chance that a right answer gets more than a wrong one, equal ones counting half."""
        told = np.concatenate([self.right, self.wrong])
        return auc(told, np.arange(len(told)) < len(self.right))

    def drawn(self, good: Flags, generator: np.random.Generator, *, shared: bool = False) -> Floats:
        """Evidence for answers (prompts, models). ``shared``: one draw for all right answers to a prompt and one for
        all wrong ones, so that a gate that is taken in by one wrong answer is taken in by all.
        """
        shape = (len(good), 1) if shared else good.shape
        right, wrong = (each[generator.integers(0, len(each), shape)] for each in (self.right, self.wrong))
        told: Floats = np.where(good, right, wrong)
        return told


@cache
def bell(area: float) -> Noise:
    """A gate of this AUC: two normal distributions of one width, calibrated (evidence is the true log-likelihood
    ratio). 0.5 says nothing.
    """
    apart = 2**0.5 * NormalDist().inv_cdf(area)
    places = [NormalDist().inv_cdf((step + 0.5) / STEPS) for step in range(STEPS)]
    bells = [np.array([apart * (place + side * apart / 2) for place in places]) for side in (1, -1)]
    return Noise(*bells)


PERFECT = Noise(np.array([12.0]), np.array([-12.0]))
"""A gate that knows."""


def measured() -> dict[str, Noise]:
    """The real gates', by variant."""
    found: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
    return {name: Noise(np.array(found[name]["right"]), np.array(found[name]["wrong"])) for name in VARIANTS}


def measure(answers: Path) -> dict[str, Any]:
    """The evidence that the gates give to the answers of a file that their calibration has not seen."""
    calibration = shipped()
    cases = [case for case in rows.cases(answers).cases if not case.learning]
    told = [judge(case.question, case.answer, names()) for case in cases]
    found: dict[str, Any] = {"from": f"{len(cases)} answers of {answers.name}", "calibration": calibration.made_from}
    for name, left_out in VARIANTS.items():
        evidence: dict[bool, list[float]] = {True: [], False: []}
        for case, judgements in zip(cases, told, strict=True):
            kept = [each for each in judgements if each.gate not in left_out]
            # From even odds, what the gates add is the whole of the chance.
            chance = combine(kept, calibration, case.question.task, prior=0.5).chance
            evidence[case.right].append(round(logit(chance), 3) + 0.0)
        found[name] = {"right": sorted(evidence[True]), "wrong": sorted(evidence[False])}
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", type=Path)
    FILE.write_bytes(msgspec.json.encode(measure(parser.parse_args().answers)) + b"\n")
    for name, noise in measured().items():
        print(f"{name}: AUC {noise.auc:.3f}, {len(noise.right)} right, {len(noise.wrong)} wrong")
