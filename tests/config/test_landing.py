"""A landing is switched on, or spelt out; mistakes are told with the place and the fix."""

import pytest

from tenbin.config.landing import STANDARD, LandingConfig, landing_mistakes, landing_of
from tenbin.config.load import parse
from tenbin.config.problem import ConfigError

STAGES = "spending: {landing: {stages: [%s]}}"
MISTAKES = {
    "spending: {landing: sometimes}": ("spending.landing", "must be true or false"),
    "spending: {landing: [1]}": ("spending.landing", "must be true or false"),
    STAGES % "{cache: true}": ("spending.landing.stages[0].at", "at is missing"),
    STAGES % "{at: 1.2, cache: true}": ("spending.landing.stages[0].at", "too large"),
    STAGES % "{at: 0.8}": ("spending.landing.stages[0]", "changes nothing"),
    STAGES % "{at: 0.8, inside_turns: true, pace: 2}": ("spending.landing.stages[0]", "changes nothing"),
    STAGES % "{at: 0.9, cache: true}, {at: 0.8, effort: low}": ("spending.landing.stages[1].at", "begins at 0.8"),
    STAGES % "{at: 0.98, cache: true}": ("spending.landing.stages[0].at", "new turns are refused from 0.97 on"),
    STAGES % "{at: 0.8, effort: tiny}": ("spending.landing.stages[0].effort", "not one of the choices"),
    STAGES % "{at: 0.8, tier: mini}": ("spending.landing.stages[0].tier", "not one of the choices"),
    STAGES % "{at: 0.8, models: {opus: '*'}}": ("spending.landing.stages[0].models.opus", "must be one name"),
    STAGES % "{at: 0.8, pauses: {}}": ("spending.landing.stages[0].pauses", "not a key that Tenbin knows"),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.items())
def test_mistakes(text: str, told: tuple[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, environ={})
    problem = raised.value.problems[0]
    assert problem.key == told[0]
    assert told[1] in problem.message
    assert problem.fix


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert landing_of(parse("{}", environ={}).spending.landing) is None
    assert landing_of(parse("spending: {landing: off}", environ={}).spending.landing) is None


@pytest.mark.parametrize("text", ["landing: true", "landing: {}", "landing: {stop_at: 0.99}"])
def test_the_standard_stages_stand_where_none_are_given(text: str) -> None:
    found = landing_of(parse(f"spending: {{{text}}}", environ={}).spending.landing)
    assert found is not None
    assert tuple(found.stages) == STANDARD
    assert found.stop_at == (0.99 if "0.99" in text else 0.97)


def test_the_standard_stages_are_no_mistake() -> None:
    assert not list(landing_mistakes(LandingConfig(stages=list(STANDARD))))
