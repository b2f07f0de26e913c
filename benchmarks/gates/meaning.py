"""How well embedders and shared words tell answers to another question: `python -m benchmarks.gates.meaning FILE`.

Each answer stands beside one to a question of another kind, drawn by a fixed seed. The scales of
tenbin.discern.gates.meaning were read off the quantiles that this prints.
"""

import argparse
import random
from pathlib import Path

import numpy as np

from tenbin.discern.embedding.registry import BUILT_IN, load
from tenbin.discern.gates.gate import Judgement
from tenbin.discern.gates.meaning import MOST_READ
from tenbin.discern.gates.relevance import relevance
from tenbin.measure.gates.formulas import auc
from tenbin.measure.gates.rows import Case, cases
from tenbin.measure.routing.formulas import Floats

SEED = 1


def strangers(rows: list[Case]) -> list[int]:
    """For each row another one, of another task type."""
    chance = random.Random(SEED)
    tasks = [case.question.task for case in rows]
    return [
        chance.choice([place for place, task in enumerate(tasks) if task != tasks[row]]) for row in range(len(rows))
    ]


def area(own: Floats, foreign: Floats) -> float:
    """The chance that an own answer scores higher than a foreign one."""
    return auc(np.concatenate([own, foreign]), np.arange(len(own) + len(foreign)) < len(own))


def known(told: list[Judgement]) -> Floats:
    """The scores that there are."""
    return np.array([each.score for each in told if each.score is not None])


def main() -> None:
    """Prints a line for each embedder and language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answers", type=Path)
    found = [case for case in cases(parser.parse_args().answers).cases if case.answer.text.strip()]
    for name in BUILT_IN:
        embedder = load(name)
        for language in sorted({case.question.language for case in found} & embedder.languages):
            rows = [case for case in found if case.question.language == language]
            other = strangers(rows)
            asked = embedder.embed([case.question.prompt[:MOST_READ] for case in rows])
            said = embedder.embed([case.answer.text[:MOST_READ] for case in rows])
            own, foreign = (asked * said).sum(axis=1), (asked * said[other]).sum(axis=1)
            words = [relevance(case.question, case.answer) for case in rows]
            mixed = [relevance(case.question, rows[place].answer) for case, place in zip(rows, other, strict=True)]
            right = np.array([case.right for case in rows])
            low, high = (
                np.round(np.quantile(own, (0.02, 0.1, 0.5)), 2),
                np.round(np.quantile(foreign, (0.5, 0.9, 0.98)), 2),
            )
            print(
                f"{embedder.id}, {language}, {len(rows)} answers: another question's {area(own, foreign):.4f} "
                f"(words {area(known(words), known(mixed)):.2f}), wrong ones {auc(own, right):.2f}; "
                f"cosines 2, 10, 50 % {low.tolist()} beside 50, 90, 98 % {high.tolist()}"
            )
            for task in sorted({case.question.task for case in rows}):
                mine = np.array([case.question.task == task for case in rows])
                if 0 < right[mine].sum() < mine.sum():
                    print(f"  {task}, {mine.sum()}: wrong ones {auc(own[mine], right[mine]):.2f}")


if __name__ == "__main__":
    main()
