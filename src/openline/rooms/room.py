"""`Room`: a game that the server owns. Its state changes in ticks; each player gets what has changed of what he sees.

One timer drives a room, whatever the number of its players. A tick applies what players have sent, calls the game,
looks at what has changed, and sends each player whose line can take it the difference to what he was sent last. What
a line cannot take is not kept: the next difference is larger, that is all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from openline.hub.codes import ErrorCode, Refused
from openline.rooms.interest import Interest
from openline.rooms.messages import Over, over, read_input
from openline.rooms.metronome import Lateness, Metronome
from openline.rooms.seat import Seat
from openline.rooms.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openline.hub.session import Session
    from openline.rooms.entity import Entity

__all__ = ["Room"]

E = TypeVar("E", bound="Entity")

logger = logging.getLogger("openline.rooms")


class Host(Protocol):
    """Who has opened a room, and is told what ends in it."""

    def line_ended(self, seat: Seat) -> None:
        """A player's line has ended; `Seat.session` still says which."""

    def seat_ended(self, seat: Seat, session: Session | None) -> None:
        """A seat is free again; the line is that of who had it."""

    def room_closed(self, room: Room) -> None:
        """A room has closed."""


class Room:
    """A room; a game is a subclass, which says what holds in it, and what happens::

        class Arena(Room):
            kinds = (Ship,)
            view = 600.0

            def join(self, seat):
                seat.entity = self.spawn(Ship(x=500, y=500))

            def input(self, seat, data):
                seat.entity.dx, seat.entity.dy = data[0] - 1, data[1] - 1

            def leave(self, seat):
                self.despawn(seat.entity)

            def tick(self, dt):
                for seat in self.seats.values(): ...

    Rooms are opened by `Rooms`. Everything runs in the hub's loop; the functions below are plain ones, must not wait,
    and have a tick's time together. What one of them raises is logged, and the room goes on; where `tick` or what
    entities say has failed ``most_failures`` times in a row, it closes. `join` and `input` may raise `Refused`; an
    input that makes `input` fail otherwise is refused, too, and closes nothing.

    Args:
        name: The room's name.
        clock: Seconds of a clock that only grows.

    Attributes:
        kinds: The kinds of entities that there may be; at most 256.
        rate: Ticks a second.
        catch_up: Ticks that are made up for at once, when the room was late; what is later is left out.
        capacity: Seats.
        grace: Seconds that a seat is kept for a player whose line has ended; 0: none.
        linger: Seconds that a room without seats that are taken stays open; 0: none.
        view: How far a player sees around ``seat.entity``, in the units of ``x`` and ``y``; None: everything.
        view_margin: What is in sight stays so up to ``view * (1 + view_margin)``.
        sight_every: Ticks between two looks around of a player: what comes near, or is new, is seen so much later.
        most_seen: Entities that a player sees at most: those that are everywhere, and then the nearest.
        window: States that may be on their way to a player; until he acknowledges one he is sent no more. With a way
            there and back of 500 ms at 30 ticks a second, 15 are on their way.
        max_input: Bytes of an input at most; longer ones are refused with 106.
        input_rate: Messages a second that a player may send in the long run, and twice as many at once; more are
            refused with 111. None: twice ``rate``.
        inputs_waiting: Inputs that may wait; of more, the oldest are left out.
        inputs_per_tick: Inputs of a player that are applied in a tick; those that came too late for theirs are made up
            for, up to ``inputs_waiting``. So a ship that moves by one step for each input moves as fast as it may,
            however its inputs arrive. None: all that have come.
        most_failures: Ticks in a row that may fail.
        name: The room's name.
        seats: The seats that are taken, by number.
        world: The entities.
        now: Ticks since the room was opened.
        locked: No newcomer gets in; who has a seat comes back. Set by the game.
        closed: Whether it has closed.
        failures: Times that the game has failed.
        refused: Messages of players that were refused, by error code.
        busy: Seconds that ticks have taken, in sum.
    """

    kinds: ClassVar[Sequence[type[Entity]]] = ()
    rate: float = 30.0
    catch_up: int = 4
    capacity: int = 64
    grace: float = 20.0
    linger: float = 10.0
    view: float | None = None
    view_margin: float = 0.15
    sight_every: int = 3
    most_seen: int = 256
    window: int = 30
    max_input: int = 128
    input_rate: float | None = None
    inputs_waiting: int = 8
    inputs_per_tick: int | None = None
    most_failures: int = 30

    def __init__(self, name: str = "", *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.seats: dict[int, Seat] = {}
        self.world = World(self.kinds)
        self.now = 0
        self.locked = False
        self.closed = False
        self.failures = 0
        self.refused: dict[int, int] = {}
        self.busy = 0.0
        self._clock = clock
        self._interest = Interest(self.view, margin=self.view_margin, most=self.most_seen)
        self._metronome: Metronome | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._numbers = 0
        self._failed_in_a_row = 0
        self._failed = False
        self._empty_since = 0.0
        self._host: Host | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {len(self.seats)} of {self.capacity} seats>"

    # What the game says.

    def opened(self) -> None:
        """The room has opened: make what is in it from the start."""

    def join(self, seat: Seat) -> Mapping[str, Any] | None:
        """Somebody wants a seat; ``seat.data`` is what he said.

        Returns:
            What he is told in answer: any JSON object. None: nothing.

        Raises:
            Refused: he may not.
        """

    def input(self, seat: Seat, data: bytes) -> None:
        """A player has sent an input; called at the beginning of the tick in which it is applied.

        Raises:
            Refused: it is malformed, or not allowed now.
        """

    def away(self, seat: Seat) -> None:
        """A player's line has ended; the seat is kept for ``grace`` seconds."""

    def back(self, seat: Seat) -> Mapping[str, Any] | None:
        """He is back; returns what `join` does."""

    def leave(self, seat: Seat) -> None:
        """A seat is free again, for whatever reason; called once for each that `join` has returned for."""

    def tick(self, dt: float) -> None:
        """The room's time has gone on.

        Args:
            dt: By so many seconds: always the same.
        """

    def eye(self, seat: Seat) -> tuple[float, float] | None:
        """Say from where a player looks. None: he sees only what is everywhere. By default: from ``seat.entity``."""
        entity = seat.entity
        return None if entity is None else (entity.x, entity.y)

    def closing(self) -> None:
        """The room closes; nobody has a seat any more."""

    # What the game does.

    def spawn(self, entity: E) -> E:
        """Let an entity be there from now on; returns it.

        Raises:
            TypeError, ValueError, WorldFull: see `World.spawn`.
        """
        self.world.spawn(entity)
        return entity

    def despawn(self, entity: Entity) -> None:
        """Let it go. Idempotent."""
        self.world.despawn(entity)

    def tell(self, data: bytes) -> None:
        """Send an event to all who are here; it waits for each behind what he was sent."""
        for seat in list(self.seats.values()):
            seat.tell(data)

    def end(self, seat: Seat, code: int = Over.LEFT, reason: str = "") -> None:
        """Take a seat away. Idempotent.

        Args:
            seat: One of this room's.
            code: What the player is told, an `Over`, or from 100 to 65,535 the game's own.
            reason: The same in words.
        """
        if self.seats.get(seat.number) is not seat:
            return
        del self.seats[seat.number]
        if not self.seats:
            self._empty_since = self._clock()
        session = seat.session
        if self._host is not None:
            self._host.seat_ended(seat, session)
        if session is not None and not session.closed:
            session.send(over(code, reason))
        seat.session = None
        self._try("leave", self.leave, seat)

    def close(self, code: int = Over.CLOSED, reason: str = "") -> None:
        """End the room: all seats are taken away. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for seat in list(self.seats.values()):
            self.end(seat, code, reason)
        self._try("closing", self.closing)
        if self._host is not None:
            self._host.room_closed(self)

    @property
    def full(self) -> bool:
        """Whether no newcomer gets a seat."""
        return self.closed or self.locked or len(self.seats) >= self.capacity

    @property
    def lateness(self) -> Lateness:
        """How late its newest ticks began."""
        return Lateness(0.0, 0.0, 0.0, 0) if self._metronome is None else self._metronome.lateness

    def forget_lateness(self) -> None:
        """Measure lateness anew: what was before is not what is to be known."""
        if self._metronome is not None:
            self._metronome.forget()

    # What `Rooms` does.

    def open(self, loop: asyncio.AbstractEventLoop, host: Host | None = None) -> None:
        """Begin to tick.

        Args:
            loop: The loop that runs.
            host: Who is told of what ends. None: nobody.

        Raises:
            Exception: what `opened` raises: then the room has not opened.
        """
        self._loop, self._host = loop, host
        now = self._empty_since = self._clock()
        self._metronome = Metronome(self.rate, now, catch_up=self.catch_up)
        self.opened()
        self._timer = loop.call_later(self._metronome.period, self.run_due)

    def admit(self, session: Session, data: Any) -> tuple[Seat, Mapping[str, Any] | None]:
        """Give a newcomer a seat.

        Returns:
            The seat, and what the game says to it.

        Raises:
            Refused: 106, the room is full; or what `join` raises.
        """
        if self.full:
            raise Refused(ErrorCode.LIMIT_EXCEEDED, "the room is full")
        self._numbers += 1
        rate = 2 * self.rate if self.input_rate is None else self.input_rate
        seat = Seat(
            self._numbers,
            session,
            data,
            self._clock(),
            world=self.world,
            window=self.window,
            inputs=self.inputs_waiting,
            rate=rate,
        )
        answer = self.join(seat)
        self.seats[seat.number] = seat
        return seat, answer

    def readmit(self, seat: Seat, session: Session) -> Mapping[str, Any] | None:
        """Let a player back into his seat."""
        seat.take_line(session)
        return self.back(seat)

    def receive(self, seat: Seat, message: object) -> None:
        """Take what a player has sent.

        Raises:
            Refused: 106, 107, 111, 112; it was counted.
        """
        try:
            seat.allow(self._clock())
            seat.take(read_input(message, self.max_input))
        except Refused as refusal:
            self._refuse(seat, refusal.code)
            raise

    def run_due(self) -> None:
        """Run the ticks that are due, and send what has changed; called by the room's timer."""
        metronome, begin = self._metronome, self._clock()
        if self.closed or metronome is None or self._loop is None:
            return
        self._failed = False
        due = metronome.beat(begin)
        for _ in range(due):
            self._tick(begin)
            if self.closed:
                return
        if due:
            self._show()
            self._judge()
        if not self.seats and begin >= self._empty_since + self.linger:
            self.close()
        if self.closed:
            return
        now = self._clock()
        self.busy += now - begin
        self._timer = self._loop.call_later(max(metronome.next - now, 0.0), self.run_due)

    # One tick.

    def _tick(self, now: float) -> None:
        self.now += 1
        for seat in list(self.seats.values()):
            if self.seats.get(seat.number) is not seat:
                continue  # it was ended by what another did
            if seat.session is None or seat.session.closed:
                self._miss(seat, now)
                continue
            for number, data in seat.inputs(self.inputs_per_tick):
                seat.input = number
                self._apply(seat, data)
        assert self._metronome is not None
        self._try("tick", self.tick, self._metronome.period)

    def _apply(self, seat: Seat, data: bytes) -> None:
        try:
            self.input(seat, data)
        except Refused as refusal:
            self._refuse(seat, refusal.code)
        except Exception as error:
            # Perhaps a client found what the game did not think of: that must neither close the room nor fill the log.
            self.failures += 1
            if not seat.at_fault:
                seat.at_fault = True
                logger.error("input %r of %r in %r failed", data, seat, self, exc_info=error)
            self._refuse(seat, ErrorCode.BAD_REQUEST)

    def _miss(self, seat: Seat, now: float) -> None:
        """A player is away."""
        if seat.away_since is None:
            if self._host is not None:
                self._host.line_ended(seat)
            seat.leave_line(now)
            self._try("away", self.away, seat)
        if seat.away_since is not None and now >= seat.away_since + self.grace:
            self.end(seat)

    def _judge(self) -> None:
        """Close, where the game has failed too often."""
        self._failed_in_a_row = self._failed_in_a_row + 1 if self._failed else 0
        if self._failed_in_a_row > self.most_failures:
            logger.error("%r closes: it has failed %d times in a row", self, self._failed_in_a_row)
            self.close(Over.FAILED)

    def _show(self) -> None:
        """See what has changed, and send it to those who can take it."""
        world = self.world
        world.look(self.now)
        for entity, error in world.failures:
            self._fail(f"what {entity!r} says", error)
        try:
            self._interest.place(world.entities.values())
        except Exception as error:
            self._fail("the place of an entity", error)
            return
        gone = world.gone
        for seat in list(self.seats.values()):
            session = seat.session
            if session is None:
                continue
            try:
                if not seat.seen or (self.now + seat.number) % self.sight_every == 0:
                    self._look_around(seat)
                elif gone and not gone.isdisjoint(seat.seen):
                    seat.seen -= gone
                if not seat.ready:
                    seat.skipped += 1
                else:
                    session.send_latest(seat.state)
            except Exception as error:
                self._fail("eye", error)

    def _look_around(self, seat: Seat) -> None:
        place = self.eye(seat)
        interest = self._interest
        seat.seen = interest.everywhere if place is None else interest.seen(*place, seat.seen)

    # What goes wrong.

    def _refuse(self, seat: Seat, code: int) -> None:
        seat.refuse(code)
        self.refused[code] = self.refused.get(code, 0) + 1

    def _try(self, name: str, function: Callable[..., Any], *args: Any) -> None:
        try:
            function(*args)
        except Exception as error:
            self._fail(name, error)

    def _fail(self, name: str, error: Exception) -> None:
        """The game has failed: say so, but not in every tick."""
        self.failures += 1
        if not self._failed_in_a_row and not self._failed:
            logger.error("%s of %r failed", name, self, exc_info=error)
        self._failed = True
