"""The states of a connection, and what leads from one to the next (RFC 6455 sections 4 and 7).

Two tables say all of it: `TRANSITIONS`, and `PHASES` with what each phase allows. Nothing else decides what
may be sent, what is read, and when this end shuts down its side::

                        ┌────────────┐
                        │ CONNECTING │
                        └─────┬──────┘
                              │ OPENED
                        ┌─────▼──────┐
          SENT_CLOSE    │    OPEN    │    RECEIVED_CLOSE
             ┌──────────┴─────┬──────┴──────────┐
       ┌─────▼──────┐         │          ┌──────▼─────────┐
       │ CLOSE_SENT │         │ FAILED   │ CLOSE_RECEIVED │
       └─────┬──────┘         │          └──────┬─────────┘
             │    └─────────► │                 │ SENT_CLOSE
             │ RECEIVED_CLOSE │                 │
       ┌─────▼──────┐   ┌─────▼──────┐          │
       │ CLOSE_DONE ◄───┼────────────┼──────────┘
       └─────┬──────┘   │   FAILED   │
             │          └─────┬──────┘
             └───────┬────────┘
              ┌──────▼─────┐
              │   CLOSED   │   ENDED leads here from everywhere
              └────────────┘
"""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["PHASES", "TRANSITIONS", "Permissions", "Phase", "Side", "State", "Step"]


class Side(enum.IntEnum):
    """Which end of the connection this is."""

    SERVER, CLIENT = range(2)


class State(enum.IntEnum):
    """The states that RFC 6455 names; the values are those of the browsers' `WebSocket.readyState`."""

    CONNECTING, OPEN, CLOSING, CLOSED = range(4)


class Phase(enum.Enum):
    """A state, with what was done so far to close."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    CLOSE_SENT = enum.auto()
    CLOSE_RECEIVED = enum.auto()
    CLOSE_DONE = enum.auto()
    FAILED = enum.auto()
    CLOSED = enum.auto()


class Step(enum.Enum):
    """What leads from one phase to the next."""

    OPENED = enum.auto()  # the opening handshake succeeded
    SENT_CLOSE = enum.auto()
    RECEIVED_CLOSE = enum.auto()
    FAILED = enum.auto()  # this end fails the connection (section 7.1.7)
    ENDED = enum.auto()  # the peer's side of TCP has ended, or the opening handshake failed


class Permissions(NamedTuple):
    """What a phase means.

    Attributes:
        state: The state that a user sees.
        send_data: Data frames may be sent.
        send_control: Pings and pongs may be sent: a ping is answered until a Close frame came (section
            5.5.2).
        receive: What arrives is parsed; otherwise it is read and thrown away (sections 1.4 and 7.1.7).
        shut_down: The sides that shut down their half of TCP as soon as what they have written has left. The
            server goes first, so that the client's port is the one that is free again at once (section
            7.1.1).
    """

    state: State
    send_data: bool
    send_control: bool
    receive: bool
    shut_down: tuple[Side, ...]


_NOBODY: tuple[Side, ...] = ()
_SERVER = (Side.SERVER,)
_BOTH = (Side.SERVER, Side.CLIENT)

# fmt: off
PHASES: dict[Phase, Permissions] = {
    #                                 state             data   control receive shut_down
    Phase.CONNECTING:     Permissions(State.CONNECTING, False, False,  False,  _NOBODY),
    Phase.OPEN:           Permissions(State.OPEN,       True,  True,   True,   _NOBODY),
    Phase.CLOSE_SENT:     Permissions(State.CLOSING,    False, True,   True,   _NOBODY),
    Phase.CLOSE_RECEIVED: Permissions(State.CLOSING,    False, False,  False,  _NOBODY),
    Phase.CLOSE_DONE:     Permissions(State.CLOSING,    False, False,  False,  _SERVER),
    Phase.FAILED:         Permissions(State.CLOSING,    False, False,  False,  _SERVER),
    Phase.CLOSED:         Permissions(State.CLOSED,     False, False,  False,  _BOTH),
}

TRANSITIONS: dict[Phase, dict[Step, Phase]] = {
    Phase.CONNECTING: {
        Step.OPENED:         Phase.OPEN,
        Step.ENDED:          Phase.CLOSED,
    },
    Phase.OPEN: {
        Step.SENT_CLOSE:     Phase.CLOSE_SENT,      # 7.1.2: this end starts the closing handshake
        Step.RECEIVED_CLOSE: Phase.CLOSE_RECEIVED,  # 7.1.3: the peer starts it
        Step.FAILED:         Phase.FAILED,
        Step.ENDED:          Phase.CLOSED,          # 7.1.5: without a Close frame; the code is 1006
    },
    Phase.CLOSE_SENT: {
        Step.RECEIVED_CLOSE: Phase.CLOSE_DONE,      # 5.5.1: no answer to an answer
        Step.FAILED:         Phase.FAILED,
        Step.ENDED:          Phase.CLOSED,
    },
    Phase.CLOSE_RECEIVED: {
        Step.SENT_CLOSE:     Phase.CLOSE_DONE,      # 5.5.1: the answer
        Step.ENDED:          Phase.CLOSED,
    },
    Phase.CLOSE_DONE: {
        Step.ENDED:          Phase.CLOSED,          # 7.1.4
    },
    Phase.FAILED: {
        Step.ENDED:          Phase.CLOSED,
    },
    Phase.CLOSED: {},
}
# fmt: on
