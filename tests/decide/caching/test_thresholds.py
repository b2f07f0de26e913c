"""The calibration in the package: learned only from what may be shipped, and in order."""

from tenbin.decide.caching.thresholds import FORMAT, shipped

MEASURED_ONLY = ("qqp", "quora", "jsts", "jnli", "jsick")


def test_the_calibration_is_dated_and_names_its_sources() -> None:
    calibration = shipped()
    assert calibration.format == FORMAT
    assert len(calibration.made) == len("2026-01-01")
    assert calibration.sources
    assert not [source for source in calibration.sources if source.lower().startswith(MEASURED_ONLY)]


def test_profiles_are_in_order_and_never_below_the_loosest_that_is_declared() -> None:
    for languages in shipped().embedders.values():
        for learned in languages.values():
            assert learned.similarity["strict"] > learned.similarity["balanced"] > learned.similarity["loose"] >= 0.80
            assert learned.rows > 0
            for figures in learned.held_out.values():
                assert figures.traps <= figures.bare_traps
