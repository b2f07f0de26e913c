"""A router of one's own has its say, and its faults do no harm."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenbin.config.routers import load_router
from tenbin.core.features import Features
from tenbin.core.weighing import Candidate, Cost, Opinion, Quality
from tenbin.decide.own_router import consult, follow
from tenbin.decide.selection import Selection, select

DOCUMENT = Path(__file__).parents[2] / "docs" / "write-a-router.md"


def candidate(target: str, quality: float, cost: int, **fields: Any) -> Candidate:
    return Candidate(
        target=target,
        cost=Cost(output=cost),
        quality=Quality(value=quality, prior=quality, ability=0.0, source="test"),
        **fields,
    )


SELECTION = select(
    [
        candidate("a/small", 0.5, 1, expected_ms=500),
        candidate("a/middle", 0.8, 10, expected_ms=1_500),
        candidate("a/large", 0.95, 100, expected_ms=9_000),
        candidate("a/out", 0.99, 0, rejected="it takes no tools"),
    ],
    floor=0.8,
)


def consulted(router: Callable[..., Any], features: Features | None = None) -> Selection:
    return follow(consult(router, "mine", features or Features(), SELECTION.candidates), SELECTION)


def test_its_order_goes_first_and_the_others_follow() -> None:
    assert SELECTION.order == ("a/middle", "a/large", "a/small")
    selection = consulted(lambda _features, _candidates: ["a/small", "a/small", "a/large"])
    assert selection.order == ("a/small", "a/large", "a/middle")
    assert selection.reason == "router mine"


@pytest.mark.parametrize("answer", [None, [], ()])
def test_it_may_have_no_opinion(answer: Sequence[str] | None) -> None:
    selection = consulted(lambda _features, _candidates: answer)
    assert selection.order == SELECTION.order
    assert selection.reason.endswith("router mine had no opinion")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("a/small", "it gave a str"),
        (7, "it gave a int"),
        ({"a/small": 1}, "it gave a dict"),
        (["a/nobody"], "'a/nobody' is no eligible candidate"),
        (["a/out"], "'a/out' is no eligible candidate"),
        ([["a/small"]], "it gave a list for the name of a target"),
        ([7], "it gave a int for the name"),
    ],
)
def test_nonsense_is_passed_over_and_named(answer: Any, fault: str) -> None:
    selection = consulted(lambda _features, _candidates: answer)
    assert selection.order == SELECTION.order
    assert fault in selection.reason
    assert selection.reason.startswith(SELECTION.reason)


def test_one_that_raises_is_passed_over_and_its_words_are_bounded() -> None:
    def router(_features: Features, _candidates: Sequence[Candidate]) -> list[str]:
        raise RuntimeError("x" * 10_000)

    selection = consulted(router)
    assert selection.order == SELECTION.order
    assert "router mine was passed over: RuntimeError: xxx" in selection.reason
    assert len(selection.reason) < 400


def test_one_that_takes_other_arguments_is_passed_over() -> None:
    assert "TypeError" in consulted(lambda: ["a/small"]).reason


def test_an_answer_that_breaks_while_it_is_read_is_passed_over() -> None:
    class Broken(list[str]):
        def __iter__(self) -> Any:
            raise RuntimeError("half way")

    assert "half way" in consulted(lambda _features, _candidates: Broken(["a/small"])).reason


def test_an_opinion_is_kept_and_followed_again_without_asking() -> None:
    opinion = consult(lambda _features, _candidates: ["a/small"], "mine", Features(), SELECTION.candidates)
    kept = msgspec.json.decode(msgspec.json.encode(opinion), type=Opinion)
    assert follow(kept, SELECTION).order == ("a/small", "a/middle", "a/large")


def test_the_documented_router_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert example is not None
    (tmp_path / "my_router.py").write_text(example[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert "router: my_router:route" in DOCUMENT.read_text(encoding="utf-8")
    router = load_router("my_router:route")
    assert consulted(router, Features(task="contract_analysis")).order[0] == "a/large"
    assert consulted(router, Features(task="classification")).order == ("a/small", "a/middle", "a/large")
    assert consulted(router, Features(task="chat")).order == SELECTION.order
