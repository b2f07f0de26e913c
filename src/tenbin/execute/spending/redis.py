"""5. Spending in a Redis or Valkey that gateways share: one script for each reservation, one round trip awaited.

What calls cost is told behind the requests' backs, a hundred at once. What the server holds has a generation: one that
is gone, or that has gone back in time, tells that data were lost (see ``shared``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha1
from typing import Any

from tenbin.core.budget import FOREVER_MS, Claim, SpendingUnavailable
from tenbin.execute.cache.availability import Availability, StoreRefused, StoreUnavailable
from tenbin.execute.cache.redis_connection import RedisConnection, RedisMissing, shown
from tenbin.execute.clock import Clock
from tenbin.execute.spending.memory import nothing_before
from tenbin.execute.spending.redis_scripts import LEFT_OPEN, MARKS, RESERVE, RESTORE, SETTLE
from tenbin.execute.spending.settling import Held, Settlement
from tenbin.execute.spending.shared import (
    KEPT_MS,
    MOST_NANO,
    Answer,
    ClientMissing,
    Own,
    Seed,
    SharedSpending,
    Sum,
    Window,
    held_again,
)

MARKER = "{tenbin:spending}"
SECONDS = 0.5
"""For a reservation, connecting included."""
PATIENCE_SECONDS = 5.0
"""For what no request waits for."""
LONGEST_PAUSE_MS = 2_000
"""Between two attempts at a server that does not answer."""
LONGEST_LIFE_MS = 32 * 86_400_000
"""Of a reservation that nobody settles; what it counts stays as long as its window."""
MEANWHILE = "calls that a budget counts are dealt with as spending.when_unreachable says"

_DIGESTS = {script: sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (RESERVE, SETTLE)}


class RedisSpending(SharedSpending):
    """A server of sums. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        address: str,
        *,
        owner: str,
        clock: Clock,
        tell: Callable[[str], None],
        seed: Seed = nothing_before,
        seconds: float = SECONDS,
        marker: str = MARKER,
    ) -> None:
        """``seconds``: for one reservation. ``marker``: the beginning of all its keys. Connects when first asked.

        Raises ClientMissing, ValueError for what is no address of a server.
        """
        super().__init__(owner, clock, seed)
        available = Availability(shown(address), clock, tell, meanwhile=MEANWHILE, longest_pause_ms=LONGEST_PAUSE_MS)
        try:
            self._quick = RedisConnection(address, seconds=seconds, clock=clock, tell=tell, availability=available)
        except RedisMissing as error:
            raise ClientMissing(str(error)) from error
        patience = max(seconds, PATIENCE_SECONDS)
        self._patient = RedisConnection(address, seconds=patience, clock=clock, tell=lambda _: None)
        self._warn = tell
        self._looked_at = False
        self._marker = marker
        self._generation = ""
        self._seq = 0
        """The highest that this generation has shown."""

    async def _ask(self, reservation: str, held: Held, claims: Sequence[Claim], now_ms: int) -> Answer:
        seeds = self._seeds(claims)
        latest = max((claim.ends_at_ms for claim in claims), default=now_ms)
        life = max(min(latest - now_ms, LONGEST_LIFE_MS), held.deadline_ms - now_ms, 0) + KEPT_MS
        windows = _windows(claims, seeds, now_ms)
        known = (self._new_name(), reservation, held.worst, held.deadline_ms, life)
        reply = await self._run(self._quick, RESERVE, now_ms, *known, *windows)
        answer = self._read(reply)
        if answer.status != "lost":
            self._marked(claims, seeds, now_ms)
        return answer

    async def _look(self, claims: Sequence[Claim], now_ms: int) -> Answer:
        seeds = self._seeds(claims)
        windows = _windows(claims, seeds, now_ms)
        reply = await self._run(self._quick, RESERVE, now_ms, self._new_name(), "", 0, 0, 0, *windows)
        answer = self._read(reply)
        if answer.status == "lost":
            return answer
        # What this owner will add when it first comes counts already.
        marks = [row[4] == b"1" for row in reply[2:-1]]
        sums = tuple(
            total if seed is None or marked else Sum(total.spent + seed, total.reserved)
            for total, seed, marked in zip(answer.sums, seeds, marks, strict=True)
        )
        return Answer(answer.status, sums)

    async def _tell(self, settlements: list[Settlement]) -> None:
        if not self._looked_at:
            await self._look_at_server()
        parts: list[str | int] = []
        for one in settlements:
            claims = one.held.claims if one.kind == "charge" and one.held is not None else ()
            parts += [one.reservation, one.kind, one.cost, len(claims), *map(_name, claims)]
        reply = await self._run(self._patient, SETTLE, self._clock.now_ms(), *parts)
        if reply[0] == b"lost":
            await self._give_back()  # of the sums given back these are a part
            self._count((one for one in settlements if one.kind == "settle"), -1)
            return
        self._seen(reply[1], reply[2])
        self._count(settlements, -1)

    async def _restore(self, windows: Sequence[Own], reservations: Mapping[str, Held]) -> None:
        now_ms = self._clock.now_ms()
        parts: list[str | int] = [f"{self._clock.bits():020x}", len(windows)]
        for own in windows:
            floor = min(own.seed + own.others, MOST_NANO)
            parts += [_name(own.claim), _life(own.claim, now_ms), own.seed, floor]
        for reservation, held in reservations.items():
            names = [_name(claim) for claim in held.claims]
            life = max(held.deadline_ms - now_ms, 0) + LONGEST_LIFE_MS
            parts += [reservation, held.worst, held.deadline_ms, life, len(names), *names]
        generation, seq = await self._run(self._patient, RESTORE, now_ms, *parts)
        self._generation, self._seq = generation.decode(), int(seq)
        self._warn(
            f"{self._quick.availability.name} has lost what was spent: {len(windows)} sums and {len(reservations)} "
            "reservations were given back to it. Its settings should be: appendonly yes, maxmemory-policy noeviction."
        )

    async def _left_open(self) -> Mapping[str, Held]:
        now_ms, left = self._clock.now_ms(), {}
        for reservation, worst, deadline, *names in await self._run(self._patient, LEFT_OPEN, now_ms):
            parts = [name.decode().split(":", 1) for name in names]
            windows = [(counter, int(starts)) for starts, counter in parts]
            left[reservation.decode()] = held_again(int(worst), int(float(deadline)), windows, now_ms + LONGEST_LIFE_MS)
        return left

    async def _marks(self) -> Iterable[Window]:
        found = []
        for name in await self._run(self._patient, MARKS, self._clock.now_ms()):
            starts, counter = name.decode().split(":", 1)
            found.append((counter, int(starts)))
        return found

    async def _disconnect(self) -> None:
        await self._quick.close()
        await self._patient.close()

    async def _run(self, connection: RedisConnection, script: str, now_ms: int, *parts: str | int) -> Any:
        """Run a script. Raises SpendingUnavailable."""
        arguments = (1, self._marker, self._generation, self._seq, self._owner, now_ms, *parts)
        digest = _DIGESTS.get(script)
        try:
            if digest is None:
                return await connection.run("EVAL", script, *arguments)
            try:
                return await connection.run("EVALSHA", digest, *arguments)
            except StoreRefused as refused:
                if "No matching script" not in str(refused) and "NOSCRIPT" not in str(refused):
                    raise
                return await connection.run("EVAL", script, *arguments)
        except StoreUnavailable as error:
            raise SpendingUnavailable(str(error)) from error

    def _read(self, reply: Any) -> Answer:
        if reply[0] == b"lost":
            return Answer("lost")
        self._seen(reply[1], reply[-1])
        return Answer(reply[0].decode(), tuple(_sum(row) for row in reply[2:-1]))

    def _seen(self, generation: bytes, seq: bytes | int) -> None:
        name = generation.decode()
        if name and not self._generation:
            self._generation = name
        if name == self._generation:  # an answer from before a loss is no longer of interest
            self._seq = max(self._seq, int(seq))

    def _new_name(self) -> str:
        return "" if self._generation else f"{self._clock.bits():020x}"

    async def _look_at_server(self) -> None:
        """Say once what of its settings may lose what was spent."""
        try:
            told = [await self._patient.run("INFO", section) for section in ("memory", "persistence")]
        except StoreRefused:  # it does not say
            self._looked_at = True
            return
        except StoreUnavailable as error:
            raise SpendingUnavailable(str(error)) from error
        lines = b"\n".join(told).decode(errors="replace").splitlines()
        known = dict(line.split(":", 1) for line in lines if ":" in line)
        wrong = []
        if known.get("aof_enabled") == "0":
            wrong.append("appendonly is no: what it holds is lost when it stops")
        if known.get("maxmemory_policy", "noeviction") != "noeviction" and known.get("maxmemory") != "0":
            wrong.append(f"maxmemory-policy is {known['maxmemory_policy']}: it may drop sums")
        if wrong:
            self._warn(f"{self._quick.availability.name} is not safe for budgets: {'; '.join(wrong)}.")
        self._looked_at = True


def _name(claim: Claim) -> str:
    return f"{claim.starts_at_ms}:{claim.counter}"


def _life(claim: Claim, now_ms: int) -> str | int:
    """ms until a window is let go."""
    return "" if claim.ends_at_ms >= FOREVER_MS else max(claim.ends_at_ms - now_ms, 0) + KEPT_MS


def _windows(claims: Sequence[Claim], seeds: Sequence[int | None], now_ms: int) -> list[str | int]:
    parts: list[str | int] = []
    for claim, seed in zip(claims, seeds, strict=True):
        limit = claim.limit if claim.hard else ""
        parts += [_name(claim), _life(claim, now_ms), limit, "" if seed is None else seed]
    return parts


def _sum(row: list[bytes]) -> Sum:
    own, floor, new, reserved = map(int, row[:4])
    return Sum(max(own, floor) + new, reserved)
