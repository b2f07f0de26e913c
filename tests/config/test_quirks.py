"""The table of provider profiles: complete, consistent, overridable."""

import pytest

from tenbin.config.quirks import MODEL_QUIRKS, PROFILES, model_quirks, resolve
from tenbin.core.target import Quirks


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_where_it_is_and_what_it_speaks(name: str) -> None:
    profile = PROFILES[name]
    assert profile.base_url is not None
    assert profile.base_url.startswith(("https://", "http://127.0.0.1:"))
    assert not profile.base_url.endswith("/")
    assert profile.dialects
    assert resolve(name, {}) == profile.quirks


def test_no_two_profiles_claim_the_same_models() -> None:
    prefixes = [prefix for profile in PROFILES.values() for prefix in profile.prefixes]
    for prefix in prefixes:
        assert [other for other in prefixes if prefix.startswith(other)] == [prefix]


def test_only_anthropic_itself_is_given_what_is_meant_for_anthropic() -> None:
    assert [name for name, profile in PROFILES.items() if profile.quirks.safeguards] == ["anthropic"]


@pytest.mark.parametrize(
    ("model", "sampling", "adaptive", "forced"),
    [
        ("claude-opus-5-5", False, True, False),
        ("claude-sonnet-5-5-20261001", False, True, False),
        ("claude-haiku-5-5", False, True, True),
        ("claude-opus-4-8", False, True, True),
        ("claude-opus-4-6", True, True, True),
        ("claude-opus-4-5-20251101", True, False, True),
        ("claude-opus-4-20250514", True, False, True),
        ("claude-haiku-4-5", True, False, True),
        ("claude-of-the-future", False, True, True),
    ],
)
def test_what_a_claude_model_takes(model: str, sampling: bool, adaptive: bool, forced: bool) -> None:
    quirks = resolve("anthropic", {}, model)
    assert (quirks.sampling, quirks.adaptive_thinking, quirks.forced_tool_choice) == (sampling, adaptive, forced)


def test_every_row_of_a_model_is_made_of_quirks() -> None:
    for profile, rows in MODEL_QUIRKS.items():
        for prefix in rows:
            resolve(profile, model_quirks(profile, prefix))


def test_overrides_win_over_model_and_profile() -> None:
    assert resolve("anthropic", {"forced_tool_choice": True}, "claude-opus-5-5").forced_tool_choice
    assert resolve(None, {}) == Quirks()
    assert resolve(None, {"reasoning_answer": ["thought"]}).reasoning_answer == ("thought",)


@pytest.mark.parametrize(
    ("profile", "overrides", "words"),
    [
        ("antropic", {}, "not a profile; there are anthropic, openai"),
        ("openai", {"imagess": True}, "'imagess' is not a quirk"),
        ("openai", {"images": "yes"}, "Expected `bool`"),
    ],
)
def test_a_mistake_is_named(profile: str, overrides: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        resolve(profile, overrides)
