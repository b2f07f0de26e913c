"""Playbooks of the choice: explicit names cost nothing to decide, weighed ones are sensed once, headers come first."""

from typing import Any

import msgspec
import pytest

from tenbin.core.problems import Failure, Unreadable
from tenbin.core.steps import Call, Failed, Note, Noted, Sense, Sensed
from tenbin.decide.choice import MOST_TRIED, weighs
from tenbin.decide.flow import decide
from tenbin.decide.policy import Policy
from tests.decide.plans import ask, facts, failure
from tests.decide.weighed import HARD, LARGE, MIDDLE, SMALL, TEXT, a_policy, known, sensed

POLICY = a_policy()


def plan(policy: Policy = POLICY, model: str = "auto", headers: Any = (), **fields: Any) -> Any:
    asked = msgspec.structs.replace(ask(model), headers=tuple(headers), steered=bool(headers), **fields)
    return decide(asked, facts(), policy, known)


def test_a_weighed_request_is_sensed_read_noted_and_sent() -> None:
    steps = plan()
    assert next(steps) == Sense("request")
    assert steps.send(sensed()) == Sense("complexity")
    note = steps.send(sensed())
    assert isinstance(note, Note)
    assert note.weighing is not None
    assert note.weighing.order == (SMALL, MIDDLE, LARGE)
    call = steps.send(Noted())
    assert isinstance(call, Call)
    assert (call.target.name, call.route) == (SMALL, "weighed:default")


def test_a_configured_name_an_alias_and_a_target_are_not_weighed() -> None:
    for model, target, route in (
        ("pinned", LARGE, "model:pinned"),
        ("fast", SMALL, "alias:fast provider"),
        (MIDDLE, MIDDLE, "provider"),
        (MIDDLE.replace("/", ","), MIDDLE, "provider"),
    ):
        call = next(plan(model=model))
        assert isinstance(call, Call), model
        assert (call.target.name, call.route) == (target, route)


def test_an_alias_may_mean_a_name_that_is_weighed() -> None:
    assert next(plan(model="thing")) == Sense("request")


def test_without_knowledge_nothing_is_weighed() -> None:
    steps = decide(ask("auto"), facts(), POLICY)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.failure.kind == "not_found"


def test_a_header_names_the_target_a_bad_one_is_refused() -> None:
    steps = plan(headers=[(b"x-tenbin-model", SMALL.encode())])
    assert next(steps) == Sense("request")
    call = steps.send(sensed())
    assert isinstance(call, Call)
    assert (call.target.name, call.route) == (SMALL, "header provider")
    for headers in ([(b"x-tenbin-floor", b"much")], [(b"x-tenbin-mode", b"cheap")]):
        with pytest.raises(Unreadable):
            next(plan(headers=headers))
    nobody = plan(headers=[(b"x-tenbin-model", b"nobody")])
    next(nobody)
    with pytest.raises(Unreadable) as refused:
        nobody.send(sensed())
    assert "nobody" in refused.value.problem.message


def test_what_headers_ask_for_holds_for_the_weighing() -> None:
    steps = plan(headers=[(b"x-tenbin-floor", b"1"), (b"x-tenbin-category", b"think")])
    next(steps)
    assert steps.send(sensed()) == Sense("complexity")
    note = steps.send(sensed())
    assert isinstance(note, Note)
    assert note.weighing is not None
    assert note.weighing.floor == 1
    assert note.weighing.features.category == "think"
    assert note.weighing.order[0] == LARGE


def test_a_tag_is_followed_and_told_to_be_taken_out() -> None:
    steps = plan(headers=[(b"x-claude-code-agent-id", b"a1")], model="auto")
    next(steps)
    call = steps.send(msgspec.structs.replace(sensed(), model_tag=MIDDLE))
    assert isinstance(call, Call)
    assert call.tagged
    assert (call.target.name, call.route) == (MIDDLE, "tag provider")


def test_targets_of_a_category_answer_without_reading_the_words() -> None:
    own = a_policy(TEXT + "  categories: {background: [maker/claude-middle]}\n")
    steps = plan(own)
    next(steps)
    note = steps.send(sensed(category="background"))
    assert isinstance(note, Note), "no complexity is asked for"
    assert note.weighing is not None
    assert (note.weighing.order, note.weighing.candidates) == ((MIDDLE,), ())
    call = steps.send(Noted())
    assert isinstance(call, Call)
    assert (call.target.name, call.route) == (MIDDLE, "category:background")


OWN = """
  categories: {web_search: [poor/one], image: [poor/one, maker/claude-large], default: [maker/claude-middle]}
"""
POOR = TEXT.replace(
    "models:", "  poor: {dialect: openai_chat, base_url: http://127.0.0.1:9, quirks: {images: false}}\nmodels:"
)


def needing(*needs: str) -> Any:
    return msgspec.structs.replace(ask("auto").head, needs=frozenset(needs))


@pytest.mark.parametrize(
    ("category", "needs", "route", "targets"),
    [
        ("web_search", ["web_search"], "category:default", (MIDDLE,)),
        ("image", ["images"], "category:image", (LARGE,)),
        ("web_search", [], "category:web_search", ("poor/one",)),
    ],
)
def test_targets_of_a_category_that_cannot_serve_a_request_are_passed_over(
    category: str, needs: list[str], route: str, targets: tuple[str, ...]
) -> None:
    steps = plan(a_policy(POOR + OWN), head=needing(*needs))
    next(steps)
    note = steps.send(sensed(category=category))
    assert isinstance(note, Note)
    assert note.weighing is not None
    assert note.weighing.order == targets
    call = steps.send(Noted())
    assert isinstance(call, Call)
    assert (call.target.name, call.route) == (targets[0], route)


def test_a_request_that_no_target_of_its_category_can_serve_is_weighed() -> None:
    steps = plan(a_policy(POOR + "  categories: {web_search: [poor/one]}\n"), head=needing("web_search"))
    next(steps)
    assert steps.send(sensed(category="web_search")) == Sense("complexity")
    note = steps.send(sensed(category="web_search"))
    assert isinstance(note, Note)
    assert note.weighing is not None
    assert note.weighing.order == (SMALL, MIDDLE, LARGE)


@pytest.mark.parametrize("category", ["think", "default"])
def test_whom_a_rule_forbids_answers_neither_for_a_category_nor_as_fallback(category: str) -> None:
    rule = "  rules: [{name: no-large, without: ['*large']}]\n  categories: {think: [maker/claude-large]}\n"
    steps = plan(a_policy(TEXT + rule + "fallback: [maker/claude-large]\n"))
    next(steps)
    assert steps.send(sensed(category=category)) == Sense("complexity")
    note = steps.send(sensed(category=category))
    assert isinstance(note, Note)
    assert note.weighing is not None
    assert note.weighing.order == (SMALL, MIDDLE)
    call = steps.send(Noted())
    tried = []
    while isinstance(call, Call):
        tried.append(call.target.name)
        try:
            call = steps.send(Failed(failure=Failure(kind="not_found", message="gone")))
        except StopIteration:
            break
    assert tried == [SMALL, MIDDLE]


def test_a_rule_about_tasks_has_the_words_read_first() -> None:
    rules = "  rules: [{name: code, when: {tasks: [debugging]}, use: [maker/claude-large]}]\n"
    steps = plan(a_policy(TEXT + rules))
    next(steps)
    assert steps.send(sensed()) == Sense("complexity")
    note = steps.send(sensed(task="debugging"))
    assert isinstance(note, Note)
    assert note.weighing is not None
    assert note.weighing.rule == "code"
    assert note.weighing.order == (LARGE,)


def test_with_rules_alone_nothing_is_read() -> None:
    steps = plan(a_policy(TEXT + "  learned: false\n"))
    next(steps)
    assert isinstance(steps.send(sensed(HARD)), Note)


def test_names_are_weighed_only_when_they_name_nobody() -> None:
    everything = a_policy(TEXT + '  names: ["*"]\n')
    assert weighs("claude-opus-5-5", everything)
    assert not weighs("pinned", everything)
    assert not weighs("maker/claude-small", everything)
    assert weighs("stranger/claude-small", everything)
    assert not weighs("claude-opus-5-5", POLICY)


def test_sensed_is_all_that_is_asked_of_the_world_before_a_call() -> None:
    steps = plan()
    seen = [next(steps)]
    while not isinstance(seen[-1], Call):
        outcome: Any = Noted() if isinstance(seen[-1], Note) else sensed()
        assert isinstance(outcome, Noted | Sensed)
        seen.append(steps.send(outcome))
    assert [type(step).__name__ for step in seen] == ["Sense", "Sense", "Note", "Call"]


def test_no_more_than_a_few_of_a_long_order_are_tried() -> None:
    many = ", ".join(f"maker/claude-{number}" for number in range(9))
    steps = plan(a_policy(TEXT.replace("low: [maker/claude-small]", f"low: [{many}]")))
    step, tried = next(steps), []
    while True:
        if isinstance(step, Call):
            tried.append(step.target.name)
            if len(tried) == MOST_TRIED:
                break
            step = steps.send(Failed(failure=failure("not_found")))
        else:
            step = steps.send(Noted() if isinstance(step, Note) else sensed())
    with pytest.raises(StopIteration):
        steps.send(Failed(failure=failure("not_found")))
    assert len(set(tried)) == MOST_TRIED
