"""A report of an experiment, for programs and in both languages, and its picture."""

import xml.etree.ElementTree as ElementTree

import msgspec

from tenbin.config.experiments import Experiment
from tenbin.measure.experiments.estimates import Table
from tenbin.measure.experiments.outcomes import Outcomes
from tenbin.measure.experiments.plot import looks, picture
from tenbin.measure.experiments.report import ExperimentReport, lines, report
from tests.measure.experiments.making import NAME, a_ledger, conversations, enter, taking_part

EXPERIMENT = Experiment(name=NAME, started_at_ms=1)


def outcomes_of(receipts: list) -> Outcomes:
    database, outcomes = a_ledger(), Outcomes(NAME)
    enter(database, receipts)
    outcomes.read_on(database)
    return outcomes


def english(english: str, japanese: str) -> str:
    return english


def japanese(english: str, japanese: str) -> str:
    return japanese


def test_a_cheaper_treatment_is_found_better() -> None:
    told = report(EXPERIMENT, outcomes_of(conversations(5, 1_000, dearer=0.3)))
    by_name = {one.name: one for one in told.differences}
    assert by_name["cost_per_request"].verdict == "better"
    assert by_name["errors"].verdict == "open"
    control, treatment = told.arms
    assert control.conversations + treatment.conversations == 1_000
    assert msgspec.json.decode(msgspec.json.encode(told), type=ExperimentReport) == told
    assert "the treatment is better" in "\n".join(lines(told, english))
    assert "処置群が優れています" in "\n".join(lines(told, japanese))


def test_before_anything_has_come_it_says_so() -> None:
    told = report(EXPERIMENT, outcomes_of([]))
    assert [arm.requests for arm in told.arms] == [0, 0]
    assert "Nothing can be compared yet." in lines(told, english)


def test_of_few_conversations_no_verdict_is_given() -> None:
    told = report(
        EXPERIMENT, outcomes_of([taking_part("1", "a", "control", 1), taking_part("2", "b", "treatment", 99)])
    )
    assert {one.verdict for one in told.differences} == {"open"}
    assert "too few conversations yet" in "\n".join(lines(told, english))


def test_the_picture_is_svg_and_its_band_narrows() -> None:
    points = looks(Table(outcomes_of(conversations(6, 600))), "cost_per_request", 0.05)
    widths = [one.high - one.low for one in points if one.low is not None and one.high is not None]
    assert widths[-1] < widths[0]
    drawn = picture(points, title="<a> & b", across="requests", metric="cost_per_request")
    root = ElementTree.fromstring(drawn)
    assert root.tag.endswith("svg")
    assert len(root.findall("{http://www.w3.org/2000/svg}polygon")) == 1
