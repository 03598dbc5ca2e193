"""Where this machine is in its network."""

from __future__ import annotations

import ipaddress
import socket


def own_address() -> str | None:
    """Return the IPv4 address that others in the network reach this machine by; None: there is none.

    Nothing is sent: connecting a UDP socket only has the kernel choose the way out.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: belongs to nobody, so that the default route is taken
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if ipaddress.ip_address(address).is_loopback else address
