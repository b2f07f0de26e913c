"""What a request needs and a target lacks, in words; and what is let pass when nobody has it."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.ask import Head, Need
from tenbin.core.features import Features
from tenbin.core.target import Quirks, Target
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.capability import Lack, admit, ample, lack
from tests.decide.plans import target

ABILITIES = Abilities(shipped())
ANY = target("acme/model")


def of(**facts: Any) -> Target:
    return msgspec.structs.replace(ANY, **facts)


def found(head: Head, features: Features, one: Target, **known: Any) -> Lack | None:
    return lack(head, features, one, **{"client": "anthropic", **known})


def asking(*needs: Any, **fields: Any) -> Head:
    return Head(model="auto", needs=frozenset(needs), **fields)


def test_what_nobody_knows_stands_in_nobodys_way() -> None:
    assert found(asking(max_tokens=64_000), Features(prompt_tokens=900_000, agent=True), ANY, local=True) is None


@pytest.mark.parametrize(
    ("head", "features", "one", "words"),
    [
        (asking("tools"), Features(), of(quirks=Quirks(tools=False)), "takes no tools"),
        (asking("forced_tool_choice"), Features(), of(quirks=Quirks(forced_tool_choice=False)), "forced tool choice"),
        (asking("images"), Features(), of(quirks=Quirks(images=False)), "no images"),
        (asking("documents"), Features(), of(), "no documents"),
        (asking("web_search"), Features(), of(dialects=("openai_chat",)), "search the web"),
        (asking(), Features(prompt_tokens=8_192), of(context=8_192), "holds 8,192 tokens, the prompt has about 8,192"),
        (asking(max_tokens=4_096), Features(prompt_tokens=6_000), of(context=8_192), "may take 10,096"),
    ],
)
def test_a_final_lack_is_named(head: Head, features: Features, one: Target, words: str) -> None:
    told = found(head, features, one)
    assert told is not None
    assert words in told.reason
    assert told.final


@pytest.mark.parametrize(
    ("head", "features", "one", "words"),
    [
        (asking("json_schema"), Features(), of(quirks=Quirks(json_schema=False)), "JSON schema"),
        (asking(), Features(category="think"), of(), "cannot be asked to think"),
        (asking(max_tokens=32_000), Features(), of(max_output=4_096), "at most 4,096 of the 32,000"),
    ],
)
def test_a_lack_that_only_makes_it_worse_is_no_reason_to_refuse(
    head: Head, features: Features, one: Target, words: str
) -> None:
    told = found(head, features, one)
    assert told is not None
    assert words in told.reason
    assert not told.final


def test_a_local_model_needs_room_for_an_agent() -> None:
    agent = Features(agent=True, prompt_tokens=1_000)
    told = found(asking(), agent, of(context=32_768), local=True)
    assert told is not None
    assert "an agent needs 65,536 tokens" in told.reason
    assert found(asking(), agent, of(context=32_768)) is None, "a provider's model is not held to it"
    assert found(asking(), agent, of(context=65_536), local=True) is None
    assert found(asking(), Features(), of(context=32_768), local=True) is None


def test_a_provider_searches_for_clients_of_its_own_dialect_and_anthropic_for_all() -> None:
    own = of(dialects=("openai_responses",))
    assert found(asking("web_search"), Features(), own, client="openai_responses") is None
    assert found(asking("web_search"), Features(), own, client="openai_responses", local=True) is not None
    anthropic = of(quirks=Quirks(safeguards=True))
    assert found(asking("web_search"), Features(), anthropic, client="openai_chat") is None


def test_a_short_answer_of_the_background_may_come_with_any_limit() -> None:
    background = Features(category="background")
    assert found(asking(max_tokens=32_000), background, of(max_output=4_096)) is None


def test_the_answer_is_counted_with_what_the_model_can_give() -> None:
    roomy = of(context=100_000, max_output=8_000)
    assert found(asking(max_tokens=64_000), Features(category="background", prompt_tokens=90_000), roomy) is None


def test_the_table_tells_what_the_configuration_does_not() -> None:
    row = ABILITIES.row("anthropic/claude-haiku-4-5")
    long = Features(prompt_tokens=250_000)
    told = found(asking(), long, ANY, known=row)
    assert told is not None
    assert "200,000" in told.reason
    assert found(asking(), long, of(context=1_000_000), known=row) is None, "the configuration goes first"
    family = ABILITIES.row("anthropic/claude-haiku-9")
    assert family is not None
    assert found(asking(), long, ANY, known=msgspec.structs.replace(family, context=10)) is None


def admitted(targets: list[Target], head: Head, features: Features) -> tuple[list[str], dict[str, str]]:
    admission = admit(
        targets, head, features, client="anthropic", local=lambda one: one.provider == "ollama", known=ABILITIES.row
    )
    return [one.name for one in admission.targets], dict(admission.rejected)


heads = st.builds(
    Head,
    model=st.just("auto"),
    max_tokens=st.one_of(st.none(), st.integers(1, 200_000)),
    needs=st.frozensets(st.sampled_from(get_args(Need))),
)
targets_drawn = st.builds(
    Target,
    provider=st.just("acme"),
    model=st.sampled_from(["model", "claude-haiku-4-5", "gpt-5-mini"]),
    dialects=st.sampled_from([("openai_chat",), ("anthropic",), ("ollama_chat", "openai_chat")]),
    context=st.one_of(st.none(), st.integers(100, 300_000)),
    max_output=st.one_of(st.none(), st.integers(100, 100_000)),
    quirks=st.builds(
        Quirks,
        tools=st.booleans(),
        images=st.booleans(),
        documents=st.booleans(),
        json_schema=st.booleans(),
        prefill=st.booleans(),
        forced_tool_choice=st.booleans(),
        reasoning_request=st.sampled_from(["none", "thinking"]),
    ),
)


@given(
    heads,
    st.builds(
        Features,
        category=st.sampled_from(["default", "think", "background", "long_context"]),
        prompt_tokens=st.integers(0, 300_000),
        agent=st.booleans(),
    ),
    targets_drawn,
    st.booleans(),
    st.sampled_from(["anthropic", "openai_chat"]),
)
def test_within_what_is_ample_nothing_is_wanting(
    head: Head, features: Features, one: Target, local: bool, client: Any
) -> None:
    plenty = ample(one, local=local, known=ABILITIES.row(one.name))
    wanting = lack(head, features, one, client=client, local=local, known=ABILITIES.row(one.name))
    thinks = features.category != "think" or plenty.thinks
    if features.prompt_tokens <= plenty.prompt and head.needs <= plenty.needs and thinks:
        assert wanting is None
    quick = admit(
        [one], head, features, client=client, local=lambda _: local, known=ABILITIES.row, ample=lambda _: plenty
    )
    assert quick == admit([one], head, features, client=client, local=lambda _: local, known=ABILITIES.row)


def test_a_usual_request_to_a_usual_model_is_within_it() -> None:
    plenty = ample(target("anthropic/claude-opus-5-5"), local=False, known=None)
    assert plenty.prompt > 10**6
    assert "tools" in plenty.needs


def test_those_that_have_everything_are_admitted_and_the_others_told_why() -> None:
    able, unable = target("a/x"), target("b/y", tools=False)
    assert admitted([able, unable], asking("tools"), Features()) == (["a/x"], {"b/y": "it takes no tools"})


def test_where_nobody_has_everything_the_lesser_lacks_are_overlooked() -> None:
    worse, unable = target("a/x", json_schema=False), target("b/y", tools=False)
    assert admitted([worse, unable], asking("tools", "json_schema"), Features()) == (
        ["a/x"],
        {"b/y": "it takes no tools"},
    )
    assert admitted([unable], asking("tools"), Features()) == ([], {"b/y": "it takes no tools"})
    better = target("c/z")
    kept, rejected = admitted([worse, better], asking("json_schema"), Features())
    assert kept == ["c/z"]
    assert "JSON schema" in rejected["a/x"]


def test_a_ceiling_that_a_client_sets_for_everything_rules_out_no_smaller_model() -> None:
    """Claude Code allows 128,000 tokens for each answer: more than a small model gives, or a local one has in all."""
    agent = Features(prompt_tokens=90_000, agent=True)
    assert found(asking(max_tokens=128_000), agent, of(context=200_000, max_output=64_000)) is None
    assert found(asking(max_tokens=128_000), agent, of(context=131_072), local=True) is None
    tight = found(asking(max_tokens=128_000), Features(prompt_tokens=125_000, agent=True), of(context=131_072))
    assert tight is not None
    assert tight.final
