"""6. How many tokens a prompt has: asked of the provider where it can tell, else counted here and marked as estimated.

Nothing is charged for this, so no receipt is written.
"""

import asyncio

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.problems import Problem, Unreadable
from tenbin.core.target import Target
from tenbin.decide.candidates import eligible, resolve
from tenbin.decide.overrides import NONE, overrides, wanted
from tenbin.execute.answer_headers import named
from tenbin.execute.upstream.address import forwarded_answer_headers, request_head
from tenbin.execute.upstream.connection import UpstreamFailed
from tenbin.execute.world import Client, World

MOST_SECONDS = 20.0
"""A provider that takes longer to count is not waited for."""


class Counted(msgspec.Struct):
    """Anthropic's answer."""

    input_tokens: int


async def count_tokens(world: World, ask: Ask, client: Client) -> None:
    """Answer a count_tokens request. Raises Unreadable for a request that cannot be read."""
    chain = eligible(resolve(_named(ask, world), world.policy), ask.head)
    target = chain.targets[0] if chain.targets else None
    if target is not None and target.quirks.token_count and "anthropic" in target.dialects:
        told = await _ask_provider(world, ask, target)
        if told is not None:
            headers, body = told
            await client.respond(200, named(headers, ask, target, chain.route), body)
            return
    # Imported here: the tokenizer behind it is large, and most gateways never need it.
    from tenbin.execute.estimate import prompt_tokens

    codec = world.dialects(ask.dialect)
    codec.read(ask.body)
    tokens = await asyncio.to_thread(prompt_tokens, ask, codec)
    headers = [(b"content-type", b"application/json"), (b"x-tenbin-estimated", b"true")]
    await client.respond(200, named(headers, ask, target, chain.route), msgspec.json.encode(Counted(tokens)))


def _named(ask: Ask, world: World) -> str:
    """The model that is meant, as if it were to answer: the header's, an alias replaced. Nothing is weighed to count:
    a name that is weighed is counted by whoever has it otherwise (its family, the default chain).
    """
    asked = overrides(ask.headers) if ask.steered else NONE
    if isinstance(asked, Problem):
        raise Unreadable(asked)
    named = wanted(ask.head.model, asked, world.policy)
    if isinstance(named, Problem):
        raise Unreadable(named)
    return named.name


async def _ask_provider(world: World, ask: Ask, target: Target) -> tuple[list[tuple[bytes, bytes]], bytes] | None:
    """The provider's own count; None when it cannot give one just now."""
    to = world.reaches[target.provider]
    body = world.dialects("anthropic").splice(ask.body, ask.head, target)
    headers = world.dialects("anthropic").headers(ask.headers, ask.head, target)
    head = request_head(to, ask, "anthropic", len(body), passed_through=True, headers=headers)
    try:
        answer = await world.upstream.send(
            to.origin, head, body, first_byte=MOST_SECONDS, idle=MOST_SECONDS, total=MOST_SECONDS
        )
    except UpstreamFailed:
        return None
    try:
        data = await answer.whole(65_536)
        if answer.status != 200:
            return None
        msgspec.json.decode(data, type=Counted)
        return forwarded_answer_headers(answer.headers), data
    except (UpstreamFailed, msgspec.DecodeError):
        return None
    finally:
        world.upstream.release(answer)
