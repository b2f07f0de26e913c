"""What turned a request away is told by `tenbin explain`."""

import msgspec
import pytest

from tenbin.cli.refusal_words import plain, told
from tests.decide.test_limits import receipt


def test_a_plans_refusal_names_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    refused = msgspec.structs.replace(receipt(outcome="failed"), trace=(("refused", "limits", "requests_per_day"),))
    assert plain(refused) == {"gate": "limits", "why": "requests_per_day"}
    assert "requests_per_day" in told(refused)[0]
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "requests_per_day" in told(refused)[0]
    assert "プラン" in told(refused)[0]


def test_others_have_words_of_their_own() -> None:
    landed = msgspec.structs.replace(receipt(outcome="failed"), trace=(("refused", "landing", "billing_error"),))
    assert told(landed) == []
    assert plain(receipt()) is None
