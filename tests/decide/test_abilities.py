"""How able a model is: the table's rows, names in all their spellings, and estimates for names that stand nowhere."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Domain, TaskType
from tenbin.decide.abilities import (
    DOMAIN_GROUPS,
    MULTIPLE_CHOICE,
    QUESTION,
    REMEMBERED,
    STRONGEST,
    TASK_GROUPS,
    WEAKEST,
    Abilities,
    group_of,
    parameters,
    plain,
    shipped,
)

ABILITIES = Abilities(shipped())


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("openrouter/anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("anthropic/claude-opus-5-5[1m]", "claude-opus-5-5"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("vertex/claude-opus-4-1@20250805", "claude-opus-4-1"),
        ("ollama/qwen3-coder:30b", "qwen3-coder-30b"),
        ("openrouter/qwen/qwen3-coder:free", "qwen3-coder"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("Qwen__Qwen3-8B", "qwen3-8b"),
        ("local/SmolLM2-135M-Instruct", "smollm2-135m-instruct"),
        ("ollama/llama3.2:latest", "llama3-2"),
    ],
)
def test_a_model_is_known_in_every_spelling(target: str, name: str) -> None:
    assert plain(target) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anthropic/claude-haiku-5-5", "openrouter/anthropic/claude-haiku-5.5"),
        ("ollama/qwen2.5-coder:7b-instruct-q4_K_M", "vllm/Qwen/Qwen2.5-Coder-7B-Instruct-AWQ"),
        ("gemini/gemini-2.5-flash-preview-05-20", "gemini/gemini-2.5-flash"),
        ("ollama/llama3.1:8b", "together/meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"),
        ("openrouter/deepseek/deepseek-chat-v3-0324:free", "deepseek/deepseek-chat"),
        ("ollama/qwen3:30b-a3b-q8_0", "Qwen__Qwen3-30B-A3B-FP8"),
    ],
)
def test_spellings_of_one_model_have_one_row(one: str, other: str) -> None:
    assert ABILITIES.row(one) is ABILITIES.row(other) is not None


CURRENT = """
claude-fable-5-1 claude-opus-5-5 claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5
claude-sonnet-5-5 claude-sonnet-5 claude-sonnet-4-6 claude-sonnet-4-5 claude-haiku-5-5 claude-haiku-4-5
gpt-6-astra gpt-6.1-sol gpt-6-sol gpt-6.1-terra gpt-6-luna gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna gpt-5-mini
gpt-5-nano gemini-4-argon gemini-3.1-pro-preview gemini-3.8-flash gemini-3.7-flash gemini-3.6-flash
gemini-3.5-flash-lite gemini-2.5-flash-lite deepseek-v4-pro deepseek-v4-flash qwen3.8-max qwen3.8-flash
qwen3-coder-plus qwen3.7-plus kimi-k3 kimi-k2.7-code glm-5.3 glm-5.3-flash glm-4.7-flash grok-4.7
"""
MEASURED = """
gpt-4-1106-preview gpt-3.5-turbo-1106 claude-instant-v1 claude-v1 claude-v2 meta/llama-2-70b-chat
mistralai/mixtral-8x7b-chat zero-one-ai/Yi-34B-Chat WizardLM/WizardLM-13B-V1.2
meta/code-llama-instruct-34b-chat mistralai/mistral-7b-chat llama3-chatqa-1.5-8b qwen2.5-7b-instruct
llama3-chatqa-1.5-70b llama-3.1-nemotron-51b-instruct mistral-7b-instruct-v0.3 gemma-2-9b-it
llama-3.1-8b-instruct codegemma-7b llama-3.3-nemotron-super-49b-v1 gpt-4o-mini openrouter/amazon/nova-lite-v1
gpt-4.1 openrouter/google/gemini-3.1-flash-lite openrouter/meta-llama/llama-4-maverick
openrouter/qwen/qwen3-235b-a22b-2507 openrouter/qwen/qwen3-235b-a22b-thinking-2507
openrouter/deepseek/deepseek-v4-flash openrouter/z-ai/glm-4.7-flash openrouter/z-ai/glm-5.2
openrouter/minimax/minimax-m2.5 openrouter/deepseek/deepseek-v4-pro gpt-5-nano gpt-5.5 fugu-ultra fugu
openrouter/moonshotai/kimi-k2.5 claude-3-haiku-20240307 claude-3-opus-20240229 claude-3-5-sonnet-20240620
gemini-1.5-pro deepseek__deepseek-chat Qwen__Qwen3-30B-A3B-nothink openai__gpt-oss-120b google__gemma-3-27b-it
"""


@pytest.mark.parametrize("model", (CURRENT + MEASURED).split())
def test_every_model_in_use_has_a_row_of_its_own(model: str) -> None:
    row = ABILITIES.row(model)
    assert row is not None
    assert not row.family


def test_the_table_is_whole() -> None:
    table = shipped()
    patterns = [pattern for row in table.rows for pattern in row.match]
    assert len(patterns) == len(set(patterns)), "a model stands in one row"
    for row in table.rows:
        assert WEAKEST <= row.ability <= STRONGEST
        assert row.source
        assert row.date
        assert row.family == any("*" in pattern for pattern in row.match)
        assert all(plain(pattern) == pattern for pattern in row.match if "*" not in pattern), row.match
        assert row.context is None or row.max_output is None or row.max_output <= row.context, row.match


def test_the_marks_of_the_scale() -> None:
    abilities = [
        ABILITIES.ability(model).value
        for model in ("smollm2:135m", "qwen3-coder:30b", "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")
    ]
    assert abilities == pytest.approx([-3.2, -0.5, 0.5, 2.0, 3.0])


def test_known_strengths_count_in_their_tasks() -> None:
    overall = ABILITIES.ability("qwen3-coder:30b", "short_answer").value
    assert ABILITIES.ability("qwen3-coder:30b", "debugging").value > overall
    assert ABILITIES.ability("qwen3-coder:30b", "classification", "computer_science").value > overall
    assert ABILITIES.ability("qwen3-coder:30b", "creative_writing").value < overall
    assert (
        ABILITIES.ability("smollm2:135m", "short_answer", language="ja").value < ABILITIES.ability("smollm2:135m").value
    )


@pytest.mark.parametrize(
    ("task", "domain", "options", "group"),
    [
        ("debugging", "computer_science", 4, "code"),
        ("mathematics", "mathematics", 4, "mathematics"),
        ("reading_comprehension", "computer_science", 2, "multiple_choice"),
        ("short_answer", "mathematics", 4, "multiple_choice"),
        ("short_answer", "mathematics", 0, "mathematics"),
        ("short_answer", "history", 0, "question"),
        ("summarization", "history", 0, ""),
        (None, "computer_science", 4, ""),
    ],
)
def test_the_task_tells_the_group_then_the_form_then_the_domain(
    task: TaskType | None, domain: Domain, options: int, group: str
) -> None:
    assert group_of(task, domain, options) == group


def test_what_outcomes_say_of_a_model_counts_in_their_groups() -> None:
    """Claude 2 wrote code nearly as well as GPT-4 did, and answered exams like a much smaller model."""

    def gap(task: TaskType, options: int) -> float:
        strong, weak = (ABILITIES.ability(name, task, options=options) for name in ("gpt-4-1106-preview", "claude-v2"))
        return strong.value - weak.value

    assert gap("code_generation", 0) < 1 < 2 < gap("short_answer", 4)
    reasoner, all_rounder = "llama-3.3-nemotron-super-49b-v1", "llama-3.1-nemotron-51b-instruct"
    assert ABILITIES.ability(reasoner).value < ABILITIES.ability(all_rounder).value
    assert ABILITIES.ability(reasoner, "mathematics").value > ABILITIES.ability(all_rounder, "mathematics").value


def test_the_documented_figures_are_of_this_table() -> None:
    """Else run `python -m training.abilities_figures --data DIR` and `python -m tests.documents`."""
    root = Path(__file__).parents[2]
    figures = json.loads((root / "training/abilities_figures.json").read_text(encoding="utf-8"))
    table = (root / "src/tenbin/decide/abilities.json").read_bytes()
    assert figures["abilities"] == hashlib.sha256(table).hexdigest()[:8]


def test_offsets_are_of_groups_that_are_looked_up() -> None:
    groups = {*TASK_GROUPS.values(), *DOMAIN_GROUPS.values(), MULTIPLE_CHOICE, QUESTION, "japanese"}
    assert {name for row in shipped().rows for name in row.offsets} <= groups


@pytest.mark.parametrize(
    ("target", "least", "most", "source"),
    [
        ("anthropic/claude-haiku-7", 0.4, 0.6, "family"),
        ("openai/gpt-9-luna", 0.4, 0.6, "family"),
        ("x/foo-70b", -0.6, -0.3, "70B parameters"),
        ("x/foo-120b-a5b", -1.0, -0.7, "parameters"),
        ("x/foo-8x7b", -1.0, -0.6, "parameters"),
        ("x/qwen9-400b", 0.1, 0.4, "400B parameters"),
        ("x/foo-flash-lite", -0.5, 0.0, "lite in its name"),
        ("x/foo", 1.0, 1.0, "guess"),
    ],
)
def test_a_model_never_seen_gets_a_sensible_estimate(target: str, least: float, most: float, source: str) -> None:
    value, said = ABILITIES.ability(target)
    assert least <= value <= most
    assert source in said


def test_a_price_places_a_model_whose_name_says_nothing() -> None:
    cheap, dear = (ABILITIES.ability("x/foo", price=price) for price in (0.2, 20.0))
    assert cheap.value < 0 < 1 < dear.value
    assert "price" in cheap.source
    assert ABILITIES.ability("x/claude-opus-5-5", price=0.01).value == 3.0


@given(st.floats(0.01, 5_000), st.floats(0.01, 5_000))
def test_more_parameters_are_never_weaker(one: float, other: float) -> None:
    small, large = sorted((round(one, 2), round(other, 2)))
    assert ABILITIES.ability(f"x/foo-{small}b").value <= ABILITIES.ability(f"x/foo-{large}b").value


@pytest.mark.parametrize(
    ("name", "billions"),
    [("foo:135m", 0.135), ("foo-1.5b", 1.5), ("foo", None), ("foo-v2b3", None), ("foo-0b", None), ("a-30b-a3b", 9.487)],
)
def test_parameters_are_read_from_names(name: str, billions: float | None) -> None:
    assert parameters(name) == (billions if billions is None else pytest.approx(billions, rel=1e-3))


def test_the_configuration_goes_first_and_the_narrowest_of_it() -> None:
    own = {"acme/claude-haiku-5-5": 1.5, "claude-haiku-5-5": 1.2, "ollama/*": -1.0, "ollama/big*": 0.8}
    abilities = Abilities(shipped(), own)
    assert abilities.ability("acme/claude-haiku-5-5") == (1.5, "configuration")
    assert abilities.ability("anthropic/claude-haiku-5-5") == (1.2, "configuration")
    assert abilities.ability("ollama/big-one", "debugging") == (0.8, "configuration")
    assert abilities.ability("ollama/qwen3-coder:30b") == (-1.0, "configuration")
    assert abilities.ability("vllm/qwen3-coder:30b").source != "configuration"


@given(st.text(max_size=300))
def test_any_name_at_all_has_an_ability(name: str) -> None:
    assert WEAKEST <= ABILITIES.ability(name).value <= STRONGEST


def test_names_that_clients_invent_do_not_pile_up() -> None:
    abilities = Abilities(shipped())
    for number in range(REMEMBERED + 10):
        abilities.ability(f"x/invented-{number}")
    assert len(abilities._known) <= REMEMBERED
    assert len(abilities._rows) <= REMEMBERED
    assert abilities.ability("x/claude-opus-5-5").value == 3.0
