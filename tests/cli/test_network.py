"""own_address: what others would reach this machine by."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from openline.cli.network import own_address


def test_it_is_an_address_of_this_machine_or_none() -> None:
    address = own_address()
    if address is None:
        return
    assert not ipaddress.ip_address(address).is_loopback
    with socket.create_server((address, 0)):  # which fails where the address is another's
        pass


def test_without_a_network_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere(socket.socket):
        def connect(self, address: object) -> None:
            raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "socket", Nowhere)
    assert own_address() is None
