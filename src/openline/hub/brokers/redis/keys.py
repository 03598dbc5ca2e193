"""What things are called in Redis.

All keys of a channel, and its name in pub/sub, have the same hash tag: a Cluster keeps them in one slot.

====================================  ===========  ==================================================================
key                                   type         what
====================================  ===========  ==================================================================
``{prefix:channel}``                  (pub/sub)    publications (``p``), joins (``j``), leaves (``l``)
``{prefix:channel}:meta``             hash         ``e`` epoch, ``o`` offset of the newest, ``r`` run_id of the server
``{prefix:channel}:stream``           stream       ``offset-0``, ``d``: the publication
``{prefix:channel}:once:<digest>``    string       what was published under an idempotency key
``{prefix:channel}:clients``          hash         client id, and who it is
``{prefix:channel}:times``            sorted set   client ids by the moment when they fade
``{prefix:channel}:users``            hash         user id, and how many clients it has
``{prefix:channel}:nodes``            sorted set   nodes with subscribers by the moment when their lease ends
``{prefix}:nodes``                    (pub/sub)    the control channel of all nodes
``{prefix}:node:<id>``                (pub/sub)    that of one
====================================  ===========  ==================================================================
"""

from __future__ import annotations

import hashlib

from openline.hub.redis.keys import tag

__all__ = ["Keys", "once"]


class Keys:
    """The names for one prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.all_nodes = f"{{{prefix}}}:nodes".encode()

    def channel(self, channel: str) -> bytes:
        """Return a channel's name in pub/sub, with which its keys begin."""
        return tag(self._prefix, channel)

    def node(self, node: str) -> bytes:
        """Return the control channel of a node."""
        return f"{{{self._prefix}}}:node:{node}".encode()


def once(channel: bytes, idempotency_key: str) -> bytes:
    """Return the key that remembers an idempotency key, which may be of any length."""
    digest = hashlib.blake2b(idempotency_key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return b"%b:once:%b" % (channel, digest.encode())
