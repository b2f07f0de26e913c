"""Every feature, from every client's dialect to every provider's, streamed and not; and the page that says so."""

import pytest

from tenbin.core.target import DialectName
from tenbin.simulator import RunningSimulator
from tests.matrix import page
from tests.matrix.clients import CLIENTS, ClientName, Unsayable
from tests.matrix.features import FEATURES, MODELS, Case, Receipts, Refused
from tests.matrix.page import Cell, Found

FORGIVEN: set[tuple[str, DialectName]] = {
    ("forced_tool", "ollama_chat"),
    ("image_urls", "ollama_chat"),
    ("documents", "ollama_chat"),
    ("stop_sequence", "openai_responses"),
}
"""What may be refused, as the provider has no words for it. Anything else that is refused is a fault."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", list(MODELS))
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.__name__)
def test_feature(
    feature: page.Feature,
    client: ClientName,
    provider: DialectName,
    stream: bool,
    gateway: str,
    receipts: Receipts,
    simulator: RunningSimulator,
    found: dict[Cell, Found],
) -> None:
    cell = Cell(feature.__name__, client, provider, stream)
    try:
        feature(Case(gateway, receipts, simulator, client, provider, stream))
    except Unsayable:
        found[cell] = Found("unsayable")
    except Refused as refused:
        if (feature.__name__, provider) not in FORGIVEN:
            raise
        found[cell] = Found("refused", str(refused))
    else:
        found[cell] = Found("works")


def test_the_page_says_what_was_found(found: dict[Cell, Found], request: pytest.FixtureRequest) -> None:
    missing = [cell for cell in page.cells() if cell not in found]
    if len(missing) == len(page.cells()):
        pytest.fail("run the whole of tests/matrix: the page is compared with what its other tests find")
    assert not missing, "these did not work, so the page cannot be compared"
    if request.config.getoption("--update-docs", False):
        page.update(found)
    assert page.on_page() == page.written(found), "docs/capabilities.md is old: pytest tests/matrix --update-docs"
