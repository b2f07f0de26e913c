"""What the harness must know of a gateway: how to start it, how to speak to it, and which routes it has."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness.load import Request
from benchmarks.harness.payloads import body
from benchmarks.harness.points import ROUTES, Dialect, Load, Route

BENCHMARKS = Path(__file__).parent.parent.parent
PEERS = BENCHMARKS / ".peers"


@dataclass(frozen=True)
class Place:
    """Where a gateway runs: its directory, the port it should listen on, and the mock provider's port."""

    work: Path
    port: int
    mock_port: int

    @property
    def mock(self) -> str:
        """The mock's address without a path."""
        return f"http://127.0.0.1:{self.mock_port}"


@dataclass(frozen=True)
class Launch:
    """How to start a gateway. `port` finds the port in its log when it chooses one itself."""

    command: list[str]
    ready_path: str | None
    """GET it is answered with 200 when the gateway is ready; None: it is ready when its port is known and answers."""
    port: Callable[[str], int | None]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Served:
    """What a gateway was asked to do in one turn: requests whose answer came whole, and how many may have been cut off
    when a load ended (at most one a connection)."""

    whole: int = 0
    cut_at_most: int = 0


@dataclass(frozen=True)
class Audit:
    """Whether a gateway's books agree with what it served, and the figures."""

    exact: bool
    finding: str


class Contestant(ABC):
    """One gateway."""

    name: str
    """On the command line and in the results."""
    title: str
    """In the report."""
    note: str = ""
    """What a reader of the report must know about how it was run."""
    routes: tuple[Route, ...] = ROUTES
    slow: bool = False
    """Measured longer, so that requests cut off at the end of a run weigh little."""

    @abstractmethod
    def missing(self) -> str | None:
        """Why it cannot be run here, or None if it can."""

    @abstractmethod
    def version(self) -> str:
        """The version that is installed."""

    @abstractmethod
    def prepare(self, place: Place) -> Launch:
        """Writes its configuration into `place.work` and says how to start it."""

    def headers(self, route: Route, place: Place) -> dict[str, str]:
        """The headers a client sends, apart from Content-Type."""
        return client_headers(route.client)

    def path(self, route: Route) -> str:
        """The path a client posts to."""
        return "/v1/chat/completions" if route.client == "chat" else "/v1/messages"

    def model(self, load: Load, route: Route) -> str:
        """The model a client asks for."""
        return ticked(f"bench-{route.provider}", load)

    def audit(self, place: Place, served: Served) -> Audit | None:
        """After the gateway has ended: what its own books say of the load, or None if it keeps none."""
        return None

    def request(self, load: Load, route: Route, place: Place) -> Request:
        """The request of one point, ready to be sent."""
        content = body(load, route.client, self.model(load, route))
        return Request(self.path(route), self.headers(route, place), content)


KEY = "sk-bench-" + "0123456789abcdef" * 2
"""What clients present and what gateways present to the mock, which looks at neither."""


def client_headers(dialect: Dialect) -> dict[str, str]:
    """The headers of an SDK of that dialect."""
    if dialect == "chat":
        return {"Authorization": f"Bearer {KEY}"}
    return {"x-api-key": KEY, "anthropic-version": "2023-06-01"}


def ticked(model: str, load: Load) -> str:
    """The model's name, with the suffix that makes the mock send one event every 5 ms where the load asks for it."""
    return f"{model}-ticked" if load == "ticked" else model


PROVIDER_MODELS = {"chat": "gpt-bench", "messages": "claude-bench"}
"""What the models are called at the mock."""
