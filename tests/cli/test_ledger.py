"""`tenbin ledger` where there is little to show; tests/cli/test_doctor.py shows it with requests."""

from tenbin.cli.ledger import columns
from tests.cli.conftest import Run


def test_no_ledger_yet(run: Run) -> None:
    result = run("ledger")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output


def test_columns_are_as_wide_as_they_must_be() -> None:
    rows = [{"name": "a", "empty": "", "cost": "$1.00"}, {"name": "longer", "empty": "", "cost": "unknown"}]
    assert columns(rows) == ["name       cost", "a         $1.00", "longer  unknown"]
