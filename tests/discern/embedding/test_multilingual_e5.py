"""What makes the C library safe to call: its input is bounded and normalised."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.embedding.multilingual_e5 import MOST_CHARACTERS, WINDOW, MultilingualE5, _safe


@given(st.text(max_size=3_000))
def test_nothing_grows_within_the_library(text: str) -> None:
    safe = _safe(text)
    assert len(safe) <= MOST_CHARACTERS
    assert "\0" not in safe
    assert "\ufdfa" not in safe
    safe.encode("utf-8")


def test_a_cut_text_fills_the_window() -> None:
    model = MultilingualE5()
    for text in ("one more word " * 200, "もう一つの言葉" * 100, "\U0001f600" * 900):
        tokens = model._tokens(model._cut(_safe(text)))
        assert WINDOW - 4 <= tokens <= WINDOW


def test_it_computes_in_one_thread() -> None:
    """Also where another library has loaded the threads' library before, with the machine's number of cores."""
    program = """
import psutil
from usearch.index import Index
from tenbin.discern.embedding.multilingual_e5 import load
threads = psutil.Process().num_threads()
model = load()
model.embed(["one more word " * 40])
assert psutil.Process().num_threads() == threads
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
