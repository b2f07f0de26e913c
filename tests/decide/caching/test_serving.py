"""Serving: the guard's word first, then the threshold of the embedder, the operator's floor, the entry's own demand."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.agreement import Agreement, Difference
from tenbin.decide.caching.serving import judge
from tenbin.decide.caching.thresholds import DECLARED, Profile, thresholds

MINILM = "all-minilm-l6-v2-int8"
AGREES = Agreement(True, overlap=1.0, length=3)
DIFFERS = Agreement(False, (Difference("number", "2023 / 2024"),), overlap=1.0, length=3)
PROFILES: list[Profile] = ["strict", "balanced", "loose"]


def test_what_the_guard_refuses_is_never_served_however_alike() -> None:
    for profile in PROFILES:
        serving = judge(1.0, DIFFERS, embedder=MINILM, language="en", profile=profile, budget_critical=True)
        assert not serving.serve
        assert serving.why == "number: 2023 / 2024"


def test_each_profile_serves_from_its_own_threshold_on() -> None:
    learned = thresholds(MINILM, "en")
    assert learned is not None
    for profile in PROFILES:
        least = learned.similarity[profile]
        assert judge(least, AGREES, embedder=MINILM, language="en", profile=profile).serve
        below = judge(least - 0.001, AGREES, embedder=MINILM, language="en", profile=profile)
        assert (below.serve, below.why, below.threshold) == (False, "not alike enough", least)


def test_an_embedder_that_was_never_measured_has_the_declared_thresholds() -> None:
    for profile in PROFILES:
        assert judge(0.99, AGREES, embedder="another", language="en", profile=profile).threshold == DECLARED[profile]
    assert thresholds(MINILM, "ja") is None
    assert DECLARED == {"strict": 0.95, "balanced": 0.90, "loose": 0.80}


def test_a_critical_budget_relaxes_the_strict_profile_and_no_other() -> None:
    def least(profile: Profile, critical: bool) -> float:
        agreement = AGREES
        serving = judge(0.9, agreement, embedder="another", language="en", profile=profile, budget_critical=critical)
        return serving.threshold

    assert (least("strict", False), least("strict", True)) == (0.95, 0.90)
    assert least("balanced", True) == 0.90
    assert least("loose", True) == 0.80


@given(st.floats(0, 1), st.floats(-1, 1), st.sampled_from(PROFILES))
def test_a_floor_only_raises_what_is_demanded(floor: float, similarity: float, profile: Profile) -> None:
    plain = judge(similarity, AGREES, embedder=MINILM, language="en", profile=profile)
    raised = judge(similarity, AGREES, embedder=MINILM, language="en", profile=profile, least_similarity=floor)
    assert raised.threshold == max(plain.threshold, floor)
    assert plain.serve or not raised.serve


@given(st.floats(allow_nan=True), st.booleans())
def test_no_cosine_makes_it_fail_and_nan_is_no_likeness(similarity: float, agrees: bool) -> None:
    serving = judge(similarity, AGREES if agrees else DIFFERS, embedder=MINILM, language="en")
    assert 0 <= serving.chance <= 1
    assert not (serving.serve and similarity != similarity)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_chance_grows_with_likeness(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert (
        judge(low, AGREES, embedder=MINILM, language="en").chance
        <= judge(high, AGREES, embedder=MINILM, language="en").chance
    )


def test_a_least_chance_is_asked_for_only_where_it_is_given() -> None:
    sure = judge(0.97, AGREES, embedder=MINILM, language="en", least_chance=0.999999)
    assert (sure.serve, sure.why) == (False, "not sure enough")
