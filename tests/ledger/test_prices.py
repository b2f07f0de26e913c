"""Worked figures: what the providers' price pages say, as the ledger must compute it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tenbin.config.model import ModelFacts, ModelPrice, ProviderConfig, Subscription
from tenbin.core.price import FREE
from tenbin.core.usage import Usage
from tenbin.ledger import prices as prices_module
from tenbin.ledger.price_source import day_ms
from tenbin.ledger.price_table import iso_day
from tenbin.ledger.prices import PriceBook, PricesUnavailable, read_table
from tests.ledger.making import NOON_MS

USD = 10**9
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    """Read by a child process, as in the gateway."""
    book = PriceBook({}, cache=tmp_path_factory.mktemp("prices"))
    book.start()
    return book


def cost(book: PriceBook, target: str, usage: Usage, at_ms: int = NOON_MS, tier: str | None = None) -> int | None:
    provider, _, model = target.partition("/")
    price = book.price(provider, model, at_ms, tier)
    assert price is not None, target
    return price.cost(usage)


def test_a_subscription_costs_no_cash_and_its_quota_a_share_of_the_list(tmp_path: Path) -> None:
    """A plan of $200 a month whose whole quota would cost $1,600 by the list: an eighth."""
    facts = {"own-1": ModelFacts(price=ModelPrice(input=8, output=80))}
    plan = ProviderConfig(profile="anthropic", subscription=Subscription(shadow_share=0.125), models=facts)
    book = PriceBook({"plan": plan, "anthropic": ProviderConfig()})
    usage = Usage(input=1_000_000, cache_read=1_000_000, output=1_000_000)
    assert cost(book, "plan/claude-opus-5-5", usage) == 0
    worth = book.shadow("plan", "claude-opus-5-5", NOON_MS)
    assert worth is not None
    assert worth.cost(usage) == round((4 + 0.20 + 20) * USD / 8)
    assert worth is book.shadow("plan", "claude-opus-5-5", NOON_MS + 1), "it is remembered"
    own = book.shadow("plan", "own-1", NOON_MS)
    assert own is not None
    assert own.cost(Usage(input=1_000_000)) == USD
    assert book.shadow("anthropic", "claude-opus-5-5", NOON_MS) is None
    assert book.shadow("plan", "nobody-knows", NOON_MS) is None
    book.reconfigure({"plan": ProviderConfig(profile="anthropic", subscription=Subscription(shadow_share=0.0))})
    worthless = book.shadow("plan", "claude-opus-5-5", NOON_MS)
    assert worthless is not None
    assert worthless.cost(usage) == 0


MILLION_EACH = {
    # model: USD per million of input, output, cache read, 5-minute (30-minute) write, 1-hour (12-hour) write
    "anthropic/claude-fable-5-1": (10, 50, 0.25, 12.5, 20),
    "anthropic/claude-opus-5-5": (4, 20, 0.20, 5, 8),
    "anthropic/claude-opus-5": (5, 25, 0.50, 6.25, 10),
    "anthropic/claude-opus-4-8": (5, 25, 0.50, 6.25, 10),
    "anthropic/claude-opus-4-7": (5, 25, 0.50, 6.25, 10),
    "anthropic/claude-opus-4-6": (5, 25, 0.50, 6.25, 10),
    "anthropic/claude-opus-4-5": (5, 25, 0.50, 6.25, 10),
    "anthropic/claude-sonnet-5-5": (2, 10, 0.10, 2.5, 4),
    "anthropic/claude-sonnet-5": (2, 10, 0.20, 2.5, 4),
    "anthropic/claude-sonnet-4-6": (3, 15, 0.30, 3.75, 6),
    "anthropic/claude-haiku-4-5-20251001": (1, 5, 0.10, 1.25, 2),
    "openai/gpt-5-mini": (0.25, 2, 0.025, None, None),
    "openai/gpt-5-nano": (0.05, 0.4, 0.005, None, None),
    "gemini/gemini-4-argon": (2, 10, 0.10, None, None),
    "gemini/gemini-3.8-flash": (0.75, 3.75, 0.075, None, None),
    "gemini/gemini-3.7-flash": (0.75, 3.75, 0.075, None, None),
    "gemini/gemini-3.6-flash": (0.75, 3.75, 0.075, None, None),
    "gemini/gemini-3.5-flash-lite": (0.30, 2.5, 0.03, None, None),
    "gemini/gemini-2.5-flash-lite": (0.10, 0.4, 0.01, None, None),
    "qwen/qwen3.8-max": (2, 6, 0.25, None, None),
    "dashscope/qwen3.8-flash": (0.15, 0.47, 0.016, 0.2, None),
    "moonshot/kimi-k3": (3, 15, 0.30, 3, None),
    "kimi/kimi-k2.7-code": (0.95, 4, 0.19, None, None),
    "zai/glm-5.3": (1.4, 4.4, 0.26, None, None),
    "zai/glm-5.3-flash": (0.15, 0.5, 0.03, None, None),
    "zai/glm-4.7-flash": (0, 0, 0, None, None),
}

SMALL_EACH = {
    # stepped models, below their first step
    "anthropic/claude-haiku-5-5": (0.10, 0.50, 0.01, 0.125, 0.20),
    "openai/gpt-6-astra": (10, 50, 1.00, 12.5, 25),
    "openai/gpt-6.1-sol": (2, 10, 0.10, 2.5, 5),
    "openai/gpt-6-sol": (2, 10, 0.20, 2.5, 5),
    "openai/gpt-6.1-terra": (1, 5, 0.05, 1.25, 2.50),
    "openai/gpt-6-luna": (0.10, 0.50, 0.01, 0.125, 0.25),
    "openai/gpt-5.6-sol": (4, 20, 0.4, 5, 10),
    "openai/gpt-5.6-terra": (2, 12, 0.2, 2.5, 5),
    "openai/gpt-5.6-luna": (0.2, 1.2, 0.02, 0.25, 0.5),
    "gemini/gemini-3.1-pro-preview": (2, 12, 0.20, None, None),
    "dashscope/qwen3.7-plus": (0.4, 1.6, 0.08, None, None),
    "dashscope/qwen3-coder-plus": (1, 5, 0.1, None, None),
    "xai/grok-4.7": (2, 6, 0.50, None, None),
}

BUCKETS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


@pytest.mark.parametrize("target", [*MILLION_EACH, *SMALL_EACH])
def test_each_bucket_costs_what_the_price_page_says(book: PriceBook, target: str) -> None:
    listed = MILLION_EACH.get(target) or SMALL_EACH[target]
    tokens = 1_000_000 if target in MILLION_EACH else 10_000
    for bucket, usd in zip(BUCKETS, listed, strict=True):
        if usd is not None:
            usage = Usage(**{bucket: tokens})  # type: ignore[arg-type]
            assert cost(book, target, usage) == round(usd * tokens * 1_000), bucket


def test_reading_a_warm_cache_on_opus(book: PriceBook) -> None:
    assert cost(book, "anthropic/claude-opus-5-5", Usage(cache_read=150_000)) == USD * 30 // 1_000


def test_haiku_above_100k_costs_five_times_for_every_token(book: PriceBook) -> None:
    def haiku(usage: Usage) -> int | None:
        return cost(book, "anthropic/claude-haiku-5-5", usage)

    assert haiku(Usage(input=150_000)) == USD * 75 // 1_000
    assert haiku(Usage(cache_write_5m=150_000)) == 93_750_000
    assert haiku(Usage(input=80_000)) == 8_000_000
    assert haiku(Usage(cache_read=100_000, output=1_000)) == 1_000_000 + 500_000
    assert haiku(Usage(cache_read=100_000, input=1, output=1_000)) == 5_000_000 + 500 + 2_500_000
    assert haiku(Usage(cache_write_1h=100_001)) == 100_001_000


def test_sonnet_cache_reads_became_cheaper_on_7_october_2026(book: PriceBook) -> None:
    usage = Usage(cache_read=1_000_000)
    before, after = day_ms("2026-10-07") - 1, day_ms("2026-10-07")
    assert cost(book, "anthropic/claude-sonnet-5-5", usage, before) == 200_000_000
    assert cost(book, "anthropic/claude-sonnet-5-5", usage, after) == 100_000_000
    assert cost(book, "anthropic/claude-sonnet-5-5", Usage(input=1_000_000), before) == 2 * USD


@pytest.mark.parametrize(
    ("hour", "peak"), [(0, False), (1, True), (3, True), (4, False), (6, True), (9, True), (10, False)]
)
def test_deepseek_costs_half_outside_its_peak_hours(book: PriceBook, hour: int, peak: bool) -> None:
    at_ms = day_ms("2026-11-18") + hour * HOUR_MS
    pro = cost(book, "deepseek/deepseek-v4-pro", Usage(input=1_000_000, output=1_000_000, cache_read=1_000_000), at_ms)
    assert pro == (1_320_000_000 + 3_960_000_000 + 44_000_000) // (1 if peak else 2)
    flash = cost(book, "deepseek/deepseek-v4-flash", Usage(input=1_000_000, output=1_000_000), at_ms)
    assert flash == 1_500_000_000 // (1 if peak else 2)


def test_openai_above_272k_doubles_input_and_cache_and_adds_half_to_output(book: PriceBook) -> None:
    def sol(usage: Usage, tier: str | None = None) -> int | None:
        return cost(book, "openai/gpt-6.1-sol", usage, tier=tier)

    assert sol(Usage(input=272_000, output=1_000)) == 544_000_000 + 10_000_000
    assert sol(Usage(input=272_001, output=1_000)) == 272_001 * 4_000 + 15_000_000
    assert sol(Usage(input=1, cache_read=300_000)) == 4_000 + 300_000 * 200
    assert sol(Usage(input=300_000, output=1_000), "flex") == 300_000 * 2_000 + 7_500_000


@pytest.mark.parametrize("model", ["gpt-6-astra", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-luna", "gpt-5.6-sol"])
@pytest.mark.parametrize(
    ("tier", "times_two"), [(None, 2), ("default", 2), ("batch", 1), ("flex", 1), ("priority", 4), ("fast", 4)]
)
def test_openai_tiers_are_priced_by_the_tier_echoed(
    book: PriceBook, model: str, tier: str | None, times_two: int
) -> None:
    usage = Usage(input=10_000, cache_read=20_000, cache_write_5m=3_000, cache_write_1h=500, output=700)
    standard = cost(book, f"openai/{model}", usage)
    assert standard is not None
    assert cost(book, f"openai/{model}", usage, tier=tier) == standard * times_two // 2


def test_gpt_5_5_priority_costs_two_and_a_half_times(book: PriceBook) -> None:
    assert cost(book, "openai/gpt-5.5", Usage(input=1_000), tier="priority") == 12_500_000


def test_openai_ultrafast_costs_six_times(book: PriceBook) -> None:
    assert cost(book, "openai/gpt-6.1-sol", Usage(input=1_000, output=1_000), tier="ultrafast") == 72_000_000


@pytest.mark.parametrize("model", ["gemini-4-argon", "gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.6-flash"])
def test_gemini_tiers(book: PriceBook, model: str) -> None:
    usage = Usage(input=10_000, cache_read=1_000, output=1_000)
    standard = cost(book, f"gemini/{model}", usage)
    assert standard is not None
    for tier, tenths in (("batch", 5), ("flex", 5), ("priority", 18)):
        assert cost(book, f"gemini/{model}", usage, tier=tier) == standard * tenths // 10


def test_gemini_prices_double_with_the_new_year(book: PriceBook) -> None:
    usage = Usage(input=1_000_000, output=1_000_000)
    new_year = day_ms("2027-01-01")
    assert cost(book, "gemini/gemini-3.8-flash", usage, new_year - 1) == 4_500_000_000
    assert cost(book, "gemini/gemini-3.8-flash", usage, new_year) == 9_000_000_000


def test_anthropic_batch_is_half_on_all_tokens_but_not_on_web_searches(book: PriceBook) -> None:
    tokens = Usage(input=1_000, cache_read=1_000, cache_write_5m=1_000, cache_write_1h=1_000, output=1_000)
    standard = cost(book, "anthropic/claude-opus-5-5", tokens)
    assert standard == 4_000_000 + 200_000 + 5_000_000 + 8_000_000 + 20_000_000
    assert cost(book, "anthropic/claude-opus-5-5", tokens, tier="batch") == standard // 2
    assert cost(book, "anthropic/claude-opus-5-5", Usage(web_searches=7), tier="batch") == 70_000_000


def test_web_searches_cost_ten_dollars_a_thousand(book: PriceBook) -> None:
    assert cost(book, "anthropic/claude-opus-5-5", Usage(web_searches=1_000)) == 10 * USD
    assert cost(book, "openai/gpt-6.1-sol", Usage(input=1, web_searches=1)) == 2_000 + 10_000_000


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-opus-5", "claude-opus-4-8"])
def test_fast_mode_doubles_and_us_inference_adds_a_tenth(book: PriceBook, model: str) -> None:
    usage = Usage(input=1_000, cache_read=1_000, output=1_000)
    standard = cost(book, f"anthropic/{model}", usage)
    assert standard is not None
    assert cost(book, f"anthropic/{model}", usage, tier="fast") == 2 * standard
    assert cost(book, f"anthropic/{model}", usage, tier="standard+us") == standard * 11 // 10
    assert cost(book, f"anthropic/{model}", usage, tier="fast+us") == standard * 22 // 10
    searched = Usage(web_searches=1)
    assert cost(book, f"anthropic/{model}", searched, tier="us") == 10_000_000


def test_qwen_coder_has_four_steps(book: PriceBook) -> None:
    for tokens, usd in ((32_000, 1), (32_001, 1.8), (128_001, 3), (256_001, 6)):
        assert cost(book, "dashscope/qwen3-coder-plus", Usage(input=tokens)) == round(tokens * usd * 1_000)


def test_glm_price_cut_is_dated(book: PriceBook) -> None:
    usage = Usage(input=1_000_000)
    assert cost(book, "zai/glm-5.3-flash", usage, day_ms("2026-09-09")) == 75_000_000
    assert cost(book, "zai/glm-5.3-flash", usage, day_ms("2026-09-10")) == 150_000_000


def test_an_unknown_model_has_no_price_at_all(book: PriceBook) -> None:
    assert book.price("anthropic", "claude-next-9", NOON_MS) is None
    assert book.price("a-box-in-the-cellar", "gpt-6.1-sol", NOON_MS) is None
    assert book.price("ollama", "llama3.2", NOON_MS) is None


def test_free_models_of_openrouter_are_free_and_those_without_a_price_unknown(book: PriceBook) -> None:
    assert book.price("openrouter", "meta-llama/llama-3.3-70b-instruct:free", NOON_MS) is FREE
    assert book.price("openrouter", "gemini-2.5-pro-exp-03-25", NOON_MS) is None


def test_the_label_names_source_version_model_tier_and_date(book: PriceBook) -> None:
    price = book.price("anthropic", "claude-haiku-5-5", NOON_MS, "batch")
    assert price is not None
    assert price.label == f"{book.source}: anthropic/claude-haiku-5-5 batch since 2026-10-14"
    peak = book.price("deepseek", "deepseek-v4-pro", day_ms("2026-11-18") + 2 * HOUR_MS)
    assert peak is not None
    assert peak.label == f"{book.source}: deepseek/deepseek-v4-pro 01:00-04:00 UTC"
    ours = book.price("dashscope", "qwen3.8-max", NOON_MS)
    assert ours is not None
    assert ours.label == f"tenbin {iso_day(NOON_MS)}: dashscope/qwen3.8-max"


def configured(**providers: ProviderConfig) -> PriceBook:
    return PriceBook(providers)


def test_the_configuration_overrides_the_library() -> None:
    book = configured(
        anthropic=ProviderConfig(
            models={
                "claude-opus-5-5": ModelFacts(price=ModelPrice(input=3.1, output=0.3, per_request=0.001)),
                "other": ModelFacts(price=ModelPrice(input=1, output=2, cache_read=0.1, cache_write_5m=1.25)),
            }
        )
    )
    price = book.price("anthropic", "claude-opus-5-5", NOON_MS)
    assert price is not None
    assert price.label == "configuration: anthropic/claude-opus-5-5"
    assert price.cost(Usage(input=1_000, output=10)) == 3_100_000 + 3_000 + 1_000_000
    # What is left out costs what input does, and a long write what a short one does.
    assert price.cost(Usage(cache_read=1_000)) == 3_100_000 + 1_000_000
    other = book.price("anthropic", "other", NOON_MS)
    assert other is not None
    assert other.cost(Usage(cache_read=1_000, cache_write_1h=1_000)) == 100_000 + 1_250_000


def test_an_own_price_needs_no_library() -> None:
    book = configured(home=ProviderConfig(free=True))
    assert book.price("home", "whatever", NOON_MS) is FREE
    assert not book._loaded.is_set()


def test_a_web_search_at_an_own_price_costs_what_the_library_says() -> None:
    book = configured(
        anthropic=ProviderConfig(models={"claude-opus-5-5": ModelFacts(price=ModelPrice(input=1, output=1))})
    )
    assert book.source
    price = book.price("anthropic", "claude-opus-5-5", NOON_MS)
    assert price is not None
    assert price.cost(Usage(web_searches=1)) == 10_000_000


def test_who_is_paid_is_told_by_url_then_profile_then_name() -> None:
    book = configured(
        main=ProviderConfig(profile="anthropic"),
        local=ProviderConfig(profile="anthropic", base_url="http://127.0.0.1:9999"),
        cheap=ProviderConfig(profile="openai", base_url="https://api.deepseek.com/v1"),
        groq=ProviderConfig(dialect="openai_chat"),
        google_vertex=ProviderConfig(dialect="openai_chat", base_url="https://aiplatform.googleapis.com/v1"),
        proxy=ProviderConfig(profile="litellm", base_url="http://litellm:4000"),
    )

    def label(provider: str, model: str) -> str:
        price = book.price(provider, model, NOON_MS)
        return "unknown" if price is None else price.label.partition(": ")[2]

    assert label("main", "claude-opus-5-5") == "anthropic/claude-opus-5-5"
    assert label("local", "claude-opus-5-5") == "anthropic/claude-opus-5-5"
    assert label("cheap", "deepseek-v4-pro").startswith("deepseek/deepseek-v4-pro")
    assert label("cheap", "gpt-6.1-sol") == "unknown"
    assert label("groq", "qwen/qwen3.8-27b") == "groq/qwen/qwen3.8-27b"
    assert label("google_vertex", "claude-opus-5-5").endswith("/claude-opus-5-5")
    assert label("proxy", "claude-opus-5-5") == "anthropic/claude-opus-5-5"
    assert label("proxy", "deepseek/deepseek-v4-pro").startswith("deepseek/deepseek-v4-pro")
    assert label("proxy", "cellar/anything") == "unknown"


def test_a_new_configuration_counts_from_the_next_settlement_on() -> None:
    book = configured(acme=ProviderConfig(models={"m": ModelFacts(price=ModelPrice(input=1, output=1))}))
    before = book.price("acme", "m", NOON_MS)
    book.reconfigure({"acme": ProviderConfig(models={"m": ModelFacts(price=ModelPrice(input=2, output=2))})})
    after = book.price("acme", "m", NOON_MS)
    assert before is not None
    assert after is not None
    assert (before.cost(Usage(input=1_000)), after.cost(Usage(input=1_000))) == (1_000_000, 2_000_000)


def test_what_is_remembered_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices_module, "_CACHED_PRICES", 10)
    book = configured(home=ProviderConfig(free=True))
    for number in range(100):
        book.price("home", f"model-{number}", NOON_MS)
    assert len(book._prices) <= 10


def test_the_table_is_kept_for_the_next_start_and_made_again_when_damaged(tmp_path: Path) -> None:
    first = read_table(tmp_path)
    (kept,) = tmp_path.iterdir()
    assert read_table(tmp_path) == first
    kept.write_bytes(kept.read_bytes()[:1_000])
    (tmp_path / "prices-0.0.1-00000000.msgpack").write_bytes(b"an older one")
    assert read_table(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    shutil.rmtree(tmp_path)
    assert read_table(tmp_path) == first


def test_a_library_that_cannot_be_read_leaves_prices_unknown_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A real child process that really fails: its interpreter finds no such module.
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import no_such_library'\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(PricesUnavailable, match="no_such_library"):
        read_table(None)
    book = PriceBook({"home": ProviderConfig(free=True)})
    assert book.price("anthropic", "claude-opus-5-5", NOON_MS) is None
    assert "no_such_library" in book.trouble
    assert book.price("home", "m", NOON_MS) is FREE


def test_the_gateway_itself_does_not_import_the_library() -> None:
    script = (
        "import sys; from tenbin.ledger.prices import PriceBook; b = PriceBook({}); "
        "assert b.price('anthropic', 'claude-opus-5-5', 1795262400000) is not None; "
        "assert not {'genai_prices', 'pydantic', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
