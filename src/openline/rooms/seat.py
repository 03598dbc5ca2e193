"""A player's place in a room: it is his while his line is cut, and knows what he has been sent."""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

from openline.hub.codes import ErrorCode, Refused
from openline.hub.rate import Allowance
from openline.hub.values import to_value
from openline.rooms.messages import FULL, STATE, Over, event, over, state_head

if TYPE_CHECKING:
    from openline.hub.session import Session
    from openline.rooms.entity import Entity
    from openline.rooms.messages import Input
    from openline.rooms.world import World

__all__ = ["Seat"]

_NOTHING: frozenset[Any] = frozenset()
_NONE: list[bytes] = []


class Seat:
    """A player, as a room sees him.

    Args:
        number: Its number in the room, from 1 on.
        session: Who takes it.
        data: What he said when he joined.
        now: The time.
        world: What there is in the room.
        window: States that may be on their way to him.
        inputs: Inputs that may wait.
        rate: Messages a second that he may send, in the long run.

    Attributes:
        number: Its number in the room.
        user: The user's id; who comes back must have the same.
        data: What he said when he joined.
        info: What the application says of his connection, as a value; None: nothing.
        ticket: What he comes back with; a secret between him and the room.
        session: His line; None: he is away.
        entity: The `Entity` that he plays: his view is around it. Set by the game; None: there is none.
        storage: Anything that the game wants to keep with the seat.
        away_since: When his line ended; None: he is here.
        input: The number of the last input that was applied, or left out.
        newest: The number of the newest input that has come.
        acknowledged: The tick of the newest state that he has; 0: none.
        states: States that he was sent.
        sent_bytes: Their bytes, without the frames.
        skipped: States that he was not sent, since too many were on their way to him.
        refused: Inputs and acknowledgements that were refused.
        at_fault: One of his inputs has made the game fail, and that was logged.
        seen: The entities in his sight; the room's own.
        left_out: Inputs that were left out, since newer ones came before they could be applied.
    """

    def __init__(
        self,
        number: int,
        session: Session,
        data: Any,
        now: float,
        *,
        world: World,
        window: int,
        inputs: int,
        rate: float,
    ) -> None:
        self.number = number
        self.user = session.user
        self.info: Any = to_value(session.info)
        self.data = data
        self.ticket = secrets.token_urlsafe(18)
        self.session: Session | None = session
        self.entity: Any = None
        self.storage: Any = None
        self.away_since: float | None = None
        self.input = 0
        self.acknowledged = 0
        self.states = 0
        self.sent_bytes = 0
        self.skipped = 0
        self.refused = 0
        self.left_out = 0
        self.at_fault = False
        self.seen: frozenset[Entity] = _NOTHING
        self._world = world
        self._window = window
        self._inputs = inputs
        self._credit = inputs
        self._waiting: deque[tuple[int, bytes]] = deque()
        self.newest = 0
        self._allowance = Allowance(rate, now)
        self._known: frozenset[Entity] = _NOTHING
        self._base = 0
        self._under_way: deque[int] = deque()
        self._refusal = 0

    def __repr__(self) -> str:
        return f"<Seat {self.number} of {self.user or 'somebody'!r}{'' if self.session else ', away'}>"

    # His line.

    def leave_line(self, now: float) -> None:
        """His line has ended."""
        self.session = None
        self.away_since = now
        self._waiting.clear()

    def take_line(self, session: Session) -> None:
        """He is back: what he was sent before is lost."""
        if self.session is not None and not self.session.closed:
            self.session.send(over(Over.TAKEN))
        self.session = session
        self.away_since = None
        self._waiting.clear()
        self.forget()

    def forget(self) -> None:
        """Send him all that he sees with the next state."""
        self._known = _NOTHING
        self._base = self.acknowledged = 0
        self._under_way.clear()

    def tell(self, data: bytes) -> None:
        """Send him an event; where he is away, nothing. It waits behind all that he was sent."""
        if self.session is not None:
            self.session.send(event(data))

    # What he sends.

    def refuse(self, code: int) -> None:
        """Count something that was refused; the next state says so."""
        self.refused += 1
        self._refusal = code

    def allow(self, now: float) -> None:
        """Count a message against his rate.

        Raises:
            Refused: 111, he sends too much.
        """
        if not self._allowance.take(now):
            raise Refused(ErrorCode.TOO_MANY_REQUESTS)

    def take(self, message: Input) -> None:
        """Take an input and an acknowledgement.

        Raises:
            Refused: 112, he acknowledges a state that he was not sent; 107, the input's number is not above the last.
        """
        acknowledged, number, data = message
        if acknowledged and acknowledged != self.acknowledged:
            self._acknowledge(acknowledged)
        elif not acknowledged and not number:
            self.forget()
        if number:
            if number <= self.newest:
                raise Refused(ErrorCode.BAD_REQUEST)
            self.newest = number
            if len(self._waiting) >= self._inputs:
                self.input = self._waiting.popleft()[0]
                self.left_out += 1
            self._waiting.append((number, data))

    def _acknowledge(self, tick: int) -> None:
        under_way = self._under_way
        if tick not in under_way:
            raise Refused(ErrorCode.UNRECOVERABLE_POSITION)
        while under_way.popleft() != tick:
            pass
        self.acknowledged = tick

    def inputs(self, per_tick: int | None) -> list[tuple[int, bytes]]:
        """Return what is to be applied in this tick.

        Args:
            per_tick: So many; what was not used before may be made up for. None: all.
        """
        waiting = self._waiting
        if per_tick is None:
            taken = list(waiting)
            waiting.clear()
            return taken
        credit = self._credit + per_tick
        if credit > self._inputs:
            credit = self._inputs
        taken: list[tuple[int, bytes]] = []
        while waiting and credit:
            taken.append(waiting.popleft())
            credit -= 1
        self._credit = credit
        return taken

    # What he gets.

    @property
    def ready(self) -> bool:
        """Whether a state may be sent to him: few enough are on their way."""
        return len(self._under_way) < self._window

    def state(self) -> bytes | None:
        """Make the state that leaves for him now, against the last that has left. None: it has left, or may not."""
        world, base = self._world, self._base
        tick = world.tick
        if base == tick or len(self._under_way) >= self._window:
            return None
        known, seen = self._known, self.seen
        gone = entered = _NONE
        if known is seen:
            changed = world.changes(seen, base)
        else:
            gone = [one.id.to_bytes(2, "little") for one in known - seen]
            entered = world.full(seen - known)
            changed = world.changes(known & seen, base) if known else _NONE
            self._known = seen
        flags, refusal = 0 if base else FULL, self._refusal
        counts = len(gone), len(entered), len(changed)
        head = state_head(STATE, flags, tick, base, self.input, world.shown, refusal, *counts)
        self._base = tick
        self._refusal = 0
        self._under_way.append(tick)
        self.states += 1
        data = b"".join([head, *gone, *entered, *changed])
        self.sent_bytes += len(data)
        return data
