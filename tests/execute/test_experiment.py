"""An experiment before the real gateway: taken up while it runs, split by conversation, ended when it does harm."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tenbin.config.experiments import Arm, Experiment
from tenbin.core.receipt import Receipt
from tenbin.ledger.experiments import change_experiments, ended, in_force, read_experiments
from tenbin.ledger.queries import reading
from tenbin.measure.experiments import watch
from tenbin.measure.experiments.outcomes import Outcomes
from tenbin.measure.experiments.report import report
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.execute.test_exchange_weighed import LARGE, SMALL, configuration
from tests.real.books import House, database, serving, wait_until

STARTED = 1_795_262_400_000
PINNED = Arm(routing={"rules": [{"use": [LARGE]}]})


def an_experiment(**changes: Any) -> Experiment:
    return Experiment(**{"name": "larger", "started_at_ms": STARTED, "treatment": PINNED, **changes})


def start(directory: Path, experiment: Experiment) -> None:
    change_experiments(directory, lambda before: (*before, experiment))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway looks often."""
    monkeypatch.setattr(watch, "WATCH_MS", 20)
    monkeypatch.setattr(watch, "GUARD_MS", 40)


@contextmanager
def served(simulator: RunningSimulator, directory: Path, **routing: Any) -> Iterator[tuple[House, Caller]]:
    with serving(configuration(simulator, floor=0.1, **routing), directory) as house:
        caller = Caller(house.url)
        yield house, caller
        caller.http.close()


def ask(caller: Caller, session: str | None, text: str = "What is the capital of France?", **fields: Any) -> None:
    headers = {"x-claude-code-session-id": session} if session else None
    assert caller.ask("anthropic", "auto", text, headers=headers, **fields).status_code == 200


def running(house: House, state: str | None = "running") -> None:
    def reached() -> bool:
        trial = house.running.gateway.world.trial
        return (trial.experiment.state if trial is not None else None) == state

    wait_until(reached, f"the experiment to be {state}")


def arms(receipts: list[Receipt]) -> dict[str, set[str | None]]:
    """By session, its arms."""
    found: dict[str, set[str | None]] = {}
    for receipt in receipts:
        found.setdefault(receipt.session or "", set()).add(receipt.arm)
    return found


def test_a_conversation_stays_in_its_arm_and_is_decided_by_its_policy(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    start(tmp_path, an_experiment())
    with served(simulator, tmp_path) as (house, caller):
        outside = house.running.gateway.world.policy.hash
        for turn in range(2):
            for number in range(12):
                ask(caller, f"s{number}", f"Turn {turn}")
        receipts = house.books.new(24)
    found = arms(receipts)
    assert all(len(of) == 1 for of in found.values()), found
    assert Counter(arm for of in found.values() for arm in of).keys() == {"control", "treatment"}
    for receipt in receipts:
        assert receipt.experiment == "larger"
        assert receipt.unit
        model = f"{receipt.attempts[-1].provider}/{receipt.attempts[-1].model}"
        if receipt.arm == "treatment":
            assert model == LARGE
            assert receipt.policy != outside
        else:
            assert model != LARGE
            assert receipt.policy == outside
    assert len({receipt.unit for receipt in receipts}) == 12


def test_without_an_id_the_conversations_beginning_tells_it(simulator: RunningSimulator, tmp_path: Path) -> None:
    start(tmp_path, an_experiment())
    with served(simulator, tmp_path) as (house, caller):
        for number in range(6):
            first = {"role": "user", "content": f"Beginning {number}"}
            for more in ([], [{"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Go on."}]):
                ask(caller, None, messages=[first, *more])
        receipts = house.books.new(12)
    units = Counter(receipt.unit for receipt in receipts)
    assert sorted(units.values()) == [2] * 6


def test_it_is_taken_up_and_let_go_while_the_gateway_runs(simulator: RunningSimulator, tmp_path: Path) -> None:
    with served(simulator, tmp_path) as (house, caller):
        ask(caller, "s")
        assert house.books.one().experiment is None
        start(tmp_path, an_experiment())
        running(house)
        ask(caller, "s")
        assert house.books.one().experiment == "larger"
        ended(tmp_path, an_experiment(), harmed=False, reason="enough", at_ms=STARTED + 1)
        running(house, None)
        ask(caller, "s")
        assert house.books.one().experiment is None
    assert [(one.state, one.reason) for one in read_experiments(tmp_path)] == [("stopped", "enough")]


def test_it_survives_a_restart_and_splits_as_before(simulator: RunningSimulator, tmp_path: Path) -> None:
    start(tmp_path, an_experiment())
    found = []
    for _ in range(2):
        with served(simulator, tmp_path) as (house, caller):
            for number in range(8):
                ask(caller, f"s{number}")
            found.append(arms(house.books.new(8)))
    assert found[0] == found[1]


def test_only_what_is_in_its_scope_takes_part(simulator: RunningSimulator, tmp_path: Path) -> None:
    start(tmp_path, an_experiment(names=["one", "au*"], keys=["local"]))
    with served(simulator, tmp_path) as (house, caller):
        ask(caller, "s")
        assert house.books.one().experiment == "larger"
        caller.ask("anthropic", "chat")
        assert house.books.one().experiment is None
    other = tmp_path / "other"
    start(other, an_experiment(keys=["somebody"]))
    with served(simulator, other) as (house, caller):
        ask(caller, "s")
        assert house.books.one().experiment is None


def test_harm_ends_it_and_everybody_is_given_the_control_arm(
    simulator: RunningSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start(tmp_path, an_experiment(treatment=Arm(routing={"rules": [{"use": ["dead/x"]}]})))
    with served(simulator, tmp_path) as (house, caller):
        running(house)
        for number in range(80):
            caller.ask("anthropic", "auto", headers={"x-claude-code-session-id": f"s{number}"})
            if in_force(read_experiments(tmp_path)).state == "harmed":  # type: ignore[union-attr]
                break
        running(house, "harmed")
        house.books.new()
        for number in range(6):
            ask(caller, f"s{number}")
        assert {receipt.experiment for receipt in house.books.new(6)} == {None}
    (after,) = read_experiments(tmp_path)
    assert after.state == "harmed"
    assert "the share of errors is 100.0% under the treatment" in after.reason
    assert any("everybody is given the control arm" in record.message for record in caplog.records)
    with served(simulator, tmp_path) as (house, caller):
        ask(caller, "s1")
        assert house.running.gateway.world.trial is not None
        assert house.books.one().experiment is None


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        (Arm(routing={"flor": 0.5}), "routing has no key flor. Did you mean floor?"),
        (Arm(routing={"floor": 2}), "routing.floor"),
        (Arm(routing={"rules": [{"use": ["nobody/x"]}]}), "nobody here is the provider of nobody/x"),
        (Arm(file="/nowhere/x.yaml"), "/nowhere/x.yaml"),
    ],
)
def test_one_that_cannot_be_compiled_changes_nothing(
    simulator: RunningSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture, arm: Arm, words: str
) -> None:
    start(tmp_path, an_experiment(treatment=arm))
    with served(simulator, tmp_path) as (house, caller):
        ask(caller, "s")
        assert house.books.one().experiment is None
    (told,) = [record for record in caplog.records if "is not carried out" in record.message]
    assert words in told.getMessage()
    caplog.clear()


def test_another_files_policy_is_an_arm_until_the_file_is_changed(simulator: RunningSimulator, tmp_path: Path) -> None:
    from tenbin.config.arms import BadArm, arm_config, file_digest

    file = tmp_path / "other.yaml"
    file.write_text(
        "discover: false\nproviders: {anthropic: {base_url: http://127.0.0.1:9, api_key: k}}\n"
        f"routing: {{rules: [{{use: [{LARGE}]}}]}}\n"
    )
    arm = Arm(file=str(file), digest=file_digest(file))
    directory = tmp_path / "data"
    start(directory, an_experiment(treatment=arm))
    with served(simulator, directory) as (house, caller):
        for number in range(12):
            ask(caller, f"s{number}")
        receipts = house.books.new(12)
        base = house.running.gateway.config
    assert {receipt.attempts[-1].model for receipt in receipts if receipt.arm == "treatment"} == {LARGE.split("/")[1]}
    assert SMALL.split("/")[1] in {receipt.attempts[-1].model for receipt in receipts if receipt.arm == "control"}
    file.write_text("routing: {}\n")
    with pytest.raises(BadArm, match="has been changed"):
        arm_config(base, arm)


def test_a_file_that_nobody_understands_is_told_of(
    simulator: RunningSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "experiments.json").write_text('[{"name": 5}]')
    with served(simulator, tmp_path) as (house, caller):
        ask(caller, "s")
        assert house.books.one().experiment is None
    assert any("No experiment is carried out" in record.message for record in caplog.records)
    caplog.clear()


def test_changes_at_the_same_time_are_not_lost(tmp_path: Path) -> None:
    def add(number: int) -> None:
        start(tmp_path, an_experiment(name=f"e{number}", state="stopped"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in read_experiments(tmp_path)} == {f"e{number}" for number in range(12)}


def test_what_people_say_of_answers_is_counted_for_their_arm(simulator: RunningSimulator, tmp_path: Path) -> None:
    start(tmp_path, an_experiment())
    with served(simulator, tmp_path) as (house, caller):
        for number in range(8):
            ask(caller, f"s{number}")
        receipts = house.books.new(8)
        for receipt in receipts:
            body = {"request_id": receipt.request_id, "score": 1.0 if receipt.arm == "control" else 0.0}
            assert caller.http.post("/v1/feedback", json=body).status_code == 200
        house.books.new(8)
    outcomes = Outcomes("larger")
    with reading(database(tmp_path)) as connection:
        outcomes.read_on(connection)
    told = report(an_experiment(), outcomes)
    values = {arm.arm: {one.name: one.value for one in arm.figures}["feedback"] for arm in told.arms}
    assert values == {"control": 1.0, "treatment": 0.0}


def test_a_ladder_is_an_arm_and_its_gates_are_reported(simulator: RunningSimulator, tmp_path: Path) -> None:
    ladder = an_experiment(treatment=Arm(routing={"climb": {"rungs": 2}}))
    start(tmp_path, ladder)
    with served(simulator, tmp_path) as (house, caller):
        for number in range(8):
            ask(caller, f"s{number}")
        receipts = house.books.new(8)
    for receipt in receipts:
        assert any(attempt.gating is not None for attempt in receipt.attempts) is (receipt.arm == "treatment")
    outcomes = Outcomes("larger")
    with reading(database(tmp_path)) as connection:
        outcomes.read_on(connection)
    control, treatment = report(ladder, outcomes).arms
    assert "gate_pass" not in {one.name for one in control.figures}
    assert "gate_pass" in {one.name for one in treatment.figures}
