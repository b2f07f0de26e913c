"""6. Past a middle proxy that is down: a provider's ``direct`` address serves while its ``base_url`` cannot be reached.

Nothing has left then, so nothing is asked twice; the proxy has a circuit of its own, and is tried again like a target.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tenbin.core.problems import Failure
from tenbin.decide.health import available
from tenbin.execute.target_health import begun, ended
from tenbin.execute.upstream.client import NOT_CONNECTED
from tenbin.execute.upstream.connection import UpstreamAnswer, UpstreamFailed

if TYPE_CHECKING:
    from tenbin.execute.world import World

Sending = Callable[[], Awaitable[UpstreamAnswer]]


def circuit_name(provider: str) -> str:
    """Under which name a middle proxy's circuit stands beside those of the targets."""
    return f"middle proxy of {provider}"


def never_left(failure: Failure) -> bool:
    """No connection came about: the request has not been sent."""
    return failure.kind == "unreachable" or failure.code == NOT_CONNECTED


async def past_middle_proxy(world: "World", provider: str, through: Sending, directly: Sending) -> UpstreamAnswer:
    """Send a request through the middle proxy, or directly if that is down. Raises UpstreamFailed."""
    health, name, now, cooldown = world.health, circuit_name(provider), world.clock.now_ms, world.policy.cooldown
    if not available(health.get(name), now(), cooldown):
        return await directly()
    begun(health, name, now)
    try:
        answer = await through()
    except UpstreamFailed as failed:
        if not never_left(failed.failure):
            raise
        ended(health, name, failed.failure, now, cooldown)
    else:
        ended(health, name, None, now, cooldown)
        return answer
    return await directly()
