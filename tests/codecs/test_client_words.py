"""What a person wrote and what their client did; the model tag at the head of a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.client_words import tag_of, without_client_words, without_tag


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


def test_a_tag_counts_only_at_the_very_head() -> None:
    assert tag_of("\n<TENBIN-SUBAGENT-MODEL> openai/gpt-5 </TENBIN-SUBAGENT-MODEL>\nGo") == "openai/gpt-5"
    assert without_tag("\n<CCR-SUBAGENT-MODEL>a,b</CCR-SUBAGENT-MODEL>\nGo") == "Go"
    assert tag_of("Go <TENBIN-SUBAGENT-MODEL>a/b</TENBIN-SUBAGENT-MODEL>") == ""
    assert tag_of("<TENBIN-SUBAGENT-MODEL>a/b</CCR-SUBAGENT-MODEL>") == ""
