"""Collapsed stacks are summed up into tables."""

from benchmarks.harness.profile import tables

STACKS = """\
main (/x/.venv/bin/tenbin:5);run (/x/src/tenbin/app.py:10);parse (/x/src/tenbin/codecs/sse.py:40) 30
main (/x/.venv/bin/tenbin:5);run (/x/src/tenbin/app.py:10);parse (/x/src/tenbin/codecs/sse.py:44) 30
main (/x/.venv/bin/tenbin:5);run (/x/src/tenbin/app.py:12) 20
send (/x/.venv/lib/python3.11/site-packages/uvicorn/httptools_impl.py:9) 20
"""


def test_self_time_is_summed_over_lines_by_function_and_by_file() -> None:
    table = tables(STACKS, top=10)
    assert "| 60.0 % | parse | tenbin/codecs/sse.py |" in table
    assert "| 20.0 % | run | tenbin/app.py |" in table
    assert "| 20.0 % | send | uvicorn/httptools_impl.py |" in table
    assert "| 60.0 % | tenbin/codecs/sse.py |" in table


def test_no_samples_make_empty_tables() -> None:
    assert "%" not in tables("", top=10)
