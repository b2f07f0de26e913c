"""What a person wrote and what their client did, samples of long turns, the name of a conversation without one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.sampling import origin_of, sampled, tag_of, without_client_words, without_tag
from tenbin.core.sketch import USER_CHARACTERS


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<system-reminder>\nBe brief.\n</system-reminder>\nFix it", "Fix it"),
        ("Fix it\n\n<system-reminder>Be brief.</system-reminder>\n", "Fix it"),
        ("<system-reminder>a</system-reminder> <system-reminder>b</system-reminder>", ""),
        ("<local-command-caveat>x</local-command-caveat><local-command-stdout>y</local-command-stdout>", ""),
        ("<environment_context>\n<cwd>/</cwd>\n</environment_context>", ""),
        (
            "What is <system-reminder>this</system-reminder> for?",
            "What is <system-reminder>this</system-reminder> for?",
        ),
        ("<system-reminder>never closed", "<system-reminder>never closed"),
        ("never opened</system-reminder>", "never opened</system-reminder>"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("[Request interrupted by user for tool use]", ""),
        ("  \n ", ""),
        ("<system-reminder>要約</system-reminder>直して", "直して"),
    ],
)
def test_the_clients_words_are_taken_off_both_ends(text: str, left: str) -> None:
    assert without_client_words(text) == left


@given(st.lists(st.sampled_from(["<system-reminder>", "</system-reminder>", "hi", " ", "<", "]", "\n"]), max_size=30))
def test_any_mixture_of_tags_is_cut_to_a_part_of_itself(pieces: list[str]) -> None:
    text = "".join(pieces)
    left = without_client_words(text)
    assert left in text
    assert left == left.strip()


@given(st.text(max_size=3 * USER_CHARACTERS))
def test_a_sample_is_bounded_and_begins_and_ends_as_the_text(text: str) -> None:
    sample = sampled(text)
    assert len(sample) == min(len(text), USER_CHARACTERS)
    assert text.startswith(sample[:4_000])
    assert text.endswith(sample[-2_000:])


def test_a_tag_counts_only_at_the_very_head() -> None:
    assert tag_of("\n<TENBIN-SUBAGENT-MODEL> openai/gpt-5 </TENBIN-SUBAGENT-MODEL>\nGo") == "openai/gpt-5"
    assert without_tag("\n<CCR-SUBAGENT-MODEL>a,b</CCR-SUBAGENT-MODEL>\nGo") == "Go"
    assert tag_of("Go <TENBIN-SUBAGENT-MODEL>a/b</TENBIN-SUBAGENT-MODEL>") == ""
    assert tag_of("<TENBIN-SUBAGENT-MODEL>a/b</CCR-SUBAGENT-MODEL>") == ""


def test_an_origin_tells_long_beginnings_apart() -> None:
    long = "word " * 10_000
    names = {origin_of("s", long), origin_of("s", long + "x"), origin_of("s", "x" + long), origin_of("t", long)}
    assert len(names) == 4
    assert all(len(name) == 16 for name in names)
    assert origin_of("", "") == ""


def test_an_origin_does_not_mix_system_and_user_up() -> None:
    assert origin_of("ab", "c") != origin_of("a", "bc")
