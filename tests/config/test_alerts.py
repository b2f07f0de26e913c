"""The block `alerts`: what no type can say is told at its place, and never with the address, which holds secrets."""

import pytest

from tenbin.config.load import parse
from tenbin.config.problem import ConfigError


def mistakes(text: str) -> str:
    with pytest.raises(ConfigError) as told:
        parse(text, "tenbin.yaml", {"SECRET": "s3cret-t0ken"})
    return str(told.value)


def test_receivers_of_many_kinds_are_taken() -> None:
    config = parse(
        "alerts:\n  to: ['slack://${SECRET}/#a', 'mailtos://u:${SECRET}@smtp.example.org', 'json://127.0.0.1:8000/x']\n"
        "  quiet: {begin: '22:00', end: '07:00', timezone: Asia/Tokyo}\n",
        "tenbin.yaml",
        {"SECRET": "s3cret-t0ken"},
    )
    assert len(config.alerts.to) == 3
    assert config.alerts.thresholds == [50, 80, 100]


@pytest.mark.parametrize("address", ["${SECRET}", "hooks.example.org/${SECRET}", "json:/${SECRET}", "a b://${SECRET}"])
def test_what_is_no_address_is_told_without_it(address: str) -> None:
    told = mistakes(f"alerts:\n  to:\n    - json://localhost/x\n    - '{address}'\n")
    assert "alerts.to[1]" in told
    assert ":4:" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.google.internal", "[fe80::1]"])
def test_nothing_is_sent_to_metadata_servers(host: str) -> None:
    told = mistakes(f"alerts: {{to: ['json://{host}/${{SECRET}}']}}\n")
    assert "metadata" in told
    assert "s3cret" not in told


def test_quiet_hours_must_make_sense() -> None:
    assert "no time zone" in mistakes("alerts: {quiet: {begin: '22:00', end: '07:00', timezone: Mars/Base}}")
    assert "ends when it begins" in mistakes("alerts: {quiet: {begin: '22:00', end: '22:00'}}")
    assert "quiet" in mistakes("alerts: {quiet: {begin: '25:00', end: '07:00'}}")
