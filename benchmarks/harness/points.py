"""What is measured: a load, a route through the gateway, and how many connections drive it."""

from dataclasses import dataclass
from typing import Literal

Dialect = Literal["chat", "messages"]
Load = Literal["small", "bulk", "ticked", "agent"]

LOAD_TITLES: dict[Load, str] = {
    "small": "small JSON",
    "bulk": "bulk stream",
    "ticked": "ticked stream",
    "agent": "100 KB agent request",
}


@dataclass(frozen=True)
class Route:
    """The dialect the client speaks and the one the provider speaks."""

    client: Dialect
    provider: Dialect

    @property
    def name(self) -> str:
        """`chat` when passed through, `chat->messages` when translated."""
        return self.client if self.client == self.provider else f"{self.client}->{self.provider}"


CHAT = Route("chat", "chat")
MESSAGES = Route("messages", "messages")
MESSAGES_TO_CHAT = Route("messages", "chat")
CHAT_TO_MESSAGES = Route("chat", "messages")
ROUTES = (CHAT, MESSAGES, MESSAGES_TO_CHAT, CHAT_TO_MESSAGES)


@dataclass(frozen=True)
class Point:
    """One cell of the table."""

    load: Load
    route: Route
    connections: int

    @property
    def key(self) -> str:
        """The point's name in the results: `small chat c16`."""
        return f"{self.load} {self.route.name} c{self.connections}"


def all_points() -> list[Point]:
    """Every load on every route at 16 connections; the cheap ones at 1 and 64 as well."""
    loads: tuple[Load, ...] = ("small", "bulk", "ticked", "agent")
    points = [Point(load, route, 16) for load in loads for route in ROUTES]
    points += [Point("small", route, connections) for connections in (1, 64) for route in (CHAT, MESSAGES)]
    points += [Point("bulk", CHAT, 1), Point("ticked", CHAT, 64), Point("ticked", MESSAGES, 64)]
    return points


def quick_points() -> list[Point]:
    """The few points that the gates are judged by, and one translation."""
    return [
        Point("small", CHAT, 16),
        Point("small", MESSAGES, 16),
        Point("ticked", CHAT, 16),
        Point("ticked", MESSAGES, 16),
        Point("agent", MESSAGES, 16),
        Point("small", MESSAGES_TO_CHAT, 16),
        Point("ticked", MESSAGES_TO_CHAT, 16),
    ]
