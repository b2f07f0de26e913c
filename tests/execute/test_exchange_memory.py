"""A request leaves memory when it ends, and does not wait for the collector: a circle of references would keep each
one's whole conversation until then.
"""

import gc

from tests.execute.conftest import Caller
from tests.real.books import House

LIVES_ON = ("tenbin.api.server_protocol", "tenbin.simulator", "tenbin.execute.upstream")
"""Modules whose objects belong to a connection, which outlives its requests."""


def ask_everything(caller: Caller) -> None:
    for dialect in ("anthropic", "openai"):
        for model in ("one", "chat", "silent", "saved", "nowhere"):
            for stream in (False, True):
                caller.ask(
                    dialect, model, 'Call it.\nsimulate: {"text": "so", "tools": [{"name": "t"}]}', stream=stream
                )


def test_no_part_of_a_request_is_left_to_the_collector(house: House, caller: Caller) -> None:
    ask_everything(caller)
    house.books.new()
    gc.collect()
    gc.disable()
    try:
        ask_everything(caller)
        house.books.new()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = {f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert {name for name in left if name.startswith("tenbin.") and not name.startswith(LIVES_ON)} == set()
