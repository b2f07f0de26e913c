"""Inverse propensity weighting is unbiased: exactly over all draws, and on simulated logs of exploring decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.weighing import Exploration
from tenbin.decide.exploration import propensity
from tenbin.decide.weigh import choose
from tenbin.measure.experiments.propensity import NoSupport, inverse_propensity
from tests.decide.test_exploration import a_candidate, weighing_of

chances = st.lists(st.floats(0.01, 1), min_size=2, max_size=5).map(lambda found: [one / sum(found) for one in found])


@given(st.data(), chances)
def test_its_expectation_is_the_other_policys_mean(data: st.DataObject, logged: list[float]) -> None:
    count = len(logged)
    weights = data.draw(
        st.lists(st.floats(0, 1), min_size=count, max_size=count).filter(lambda found: sum(found) > 0.1)
    )
    other = [one / sum(weights) for one in weights]
    rewards = data.draw(st.lists(st.floats(-5, 5), min_size=count, max_size=count))
    expected = sum(
        chance * inverse_propensity([reward], [chance], [to]).value
        for chance, reward, to in zip(logged, rewards, other, strict=True)
    )
    assert expected == pytest.approx(sum(to * reward for to, reward in zip(other, rewards, strict=True)), abs=1e-9)


def test_on_logs_of_exploring_decisions_it_finds_what_each_model_is_worth() -> None:
    """Requests of two kinds, decided with exploration; what always choosing one model would reach is known."""
    random = np.random.default_rng(11)
    models = {"p/a": (0.9, 0.5), "p/b": (0.92, 0.8), "p/c": (0.95, 0.94)}
    exploration = Exploration(share=0.5, most_nano=10**12)
    estimates: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(60):
        rewards, logged, chosen = [], [], []
        for _ in range(150):
            kind = int(random.random() < 0.4)
            # Expected qualities that are off: the log's choices are confounded with the kind of request.
            said = {"p/a": 0.9 - 0.02 * kind, "p/b": 0.9, "p/c": 0.9}
            costs = {"p/a": 10, "p/b": 30, "p/c": 90}
            found = [a_candidate(name, costs[name], said[name]) for name in models]
            decided = choose(weighing_of(found, draw=float(random.random()), exploration=exploration, floor=0.97))
            name = decided.order[0]
            rewards.append(float(random.random() < models[name][kind]))
            logged.append(propensity(decided))
            chosen.append(name)
        for name in models:
            always = [float(one == name) for one in chosen]
            estimates[name].append(inverse_propensity(rewards, logged, always).value)
    for name, values in estimates.items():
        truth = 0.6 * models[name][0] + 0.4 * models[name][1]
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values) - truth) < 4 * error, name
        assert error < 0.05


def test_what_could_not_have_been_logged_is_refused() -> None:
    with pytest.raises(NoSupport):
        inverse_propensity([1.0], [0.0], [1.0])
    with pytest.raises(ValueError, match="at least one"):
        inverse_propensity([], [], [])
    with pytest.raises(ValueError, match="one reward"):
        inverse_propensity([1.0], [1.0], [1.0, 0.5])


def test_equal_policies_weigh_alike() -> None:
    told = inverse_propensity([0.0, 1.0, 1.0, 0.0], [0.5] * 4, [0.5] * 4)
    assert (told.value, told.effective, told.self_normalised) == (0.5, 4, 0.5)
