"""Collapsed stacks are summed up into tables."""

from benchmarks.harness.profile import tables

MAIN = "thread (7): MainThread;main (/x/.venv/bin/tenbin:5);run (/x/src/tenbin/app.py:10)"
LEDGER = "thread (8): tenbin-ledger;run (/usr/lib/python3.11/threading.py:982)"
STACKS = f"""\
{MAIN};parse (/x/src/tenbin/codecs/sse.py:40) 30
{MAIN};parse (/x/src/tenbin/codecs/sse.py:44) 30
{MAIN} 20
{LEDGER};send (/x/.venv/lib/python3.11/site-packages/uvicorn/httptools_impl.py:9) 20
{LEDGER};Condition.wait (/usr/lib/python3.11/threading.py:327) 500
"""


def test_self_time_is_summed_over_lines_by_function_and_by_file() -> None:
    table = tables(STACKS, top=10)
    assert "| 60.0 % | parse | tenbin/codecs/sse.py |" in table
    assert "| 20.0 % | run | tenbin/app.py |" in table
    assert "| 20.0 % | send | uvicorn/httptools_impl.py |" in table
    assert "| 60.0 % | tenbin/codecs/sse.py |" in table
    assert "| 80.0 % | MainThread |" in table


def test_no_samples_make_empty_tables() -> None:
    assert "%" not in tables("", top=10)
