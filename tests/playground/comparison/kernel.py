"""What the kernel counted on a TCP socket: tcp_info's own counters, which nobody of ours has a hand in."""

from __future__ import annotations

import socket
import struct
from typing import Any

# Of Linux's struct tcp_info, from <linux/tcp.h>.
_BYTES_RECEIVED = 128
_BYTES_SENT = 200
_BYTES_RETRANSMITTED = 208


def bytes_of(sock: Any) -> tuple[int, int]:
    """Bytes of the stream that this end has sent, and that it has received."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    sent, again, received = (
        struct.unpack_from("Q", info, offset)[0]
        for offset in (_BYTES_SENT, _BYTES_RETRANSMITTED, _BYTES_RECEIVED)
    )
    return sent - again, received
