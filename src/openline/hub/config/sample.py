"""An example ``hub.toml``: every option with its meaning and default, and secrets that were made for it."""

from __future__ import annotations

import secrets
import textwrap
from collections.abc import Iterable

from openline.hub.config.reference import Option, tables

__all__ = ["sample"]

_HEAD = """\
# The configuration of `openline hub --config hub.toml`.
#
# Whatever begins with "# name =" is off, or as shown. The file holds secrets: nobody else should be able to read it.
# Variables of the environment override it: OPENLINE_HUB_MAX_CHANNELS, OPENLINE_HUB_TOKEN__HMAC_SECRET.
# Secrets may stand in files of their own, too: hmac_secret_file = "/run/secrets/hmac".
# Check it with `openline hub --config hub.toml --check`; after SIGHUP, tokens and namespaces are read anew.
"""

_CHAT = """\
# An example: a chat of users who are signed in, with history, recovery and presence.
[namespaces.chat]
history = 100
ttl = 3600
recovery = true
presence = true
join_leave = true
subscribe = "users"
publish = "subscribers"
read_history = "subscribers"
read_presence = "subscribers"
"""


def sample() -> str:
    """Return the file's text; secrets differ each time."""
    known = tables()
    chosen = {name: secrets.token_urlsafe(48) for name in ("hmac_secret", "api_key", "admin_password")}
    parts = [
        _HEAD,
        *_described(known[""], {"api_key": chosen["api_key"], "admin_password": chosen["admin_password"]}),
        "\n[token]\n# Without any key, and without code that says who somebody is, nobody can connect.\n",
        *_described(known["token"], {"hmac_secret": chosen["hmac_secret"]}),
        "\n# [subscription_token]\n",
        "# The same keys for subscription tokens; without this table, those of [token] hold.\n",
        "\n[server]\n",
        *_described(known["server"], {}),
        "\n[broker]\n",
        "# memory://, sqlite:///hub.db, redis://host:6379, redis+sentinel://…, redis+cluster://…\n",
        'url = "memory://"\n',
        '\n# Channels are named "namespace:rest"; those without a colon belong to [namespaces.""]. A channel whose\n',
        "# namespace is not here does not exist. All that a namespace can say:\n",
        *_described(known["namespaces"], {}),
        "\n",
        _CHAT,
    ]
    return "".join(parts)


def _described(options: Iterable[Option], chosen: dict[str, str]) -> Iterable[str]:
    for one in options:
        yield "\n"
        for line in textwrap.wrap(one.text, 110):
            yield f"# {line}\n"
        if one.name in chosen:
            yield f'{one.name} = "{chosen[one.name]}"\n'
        else:
            yield f"# {one.name} = {one.default}".rstrip() + "\n"
