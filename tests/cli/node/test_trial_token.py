"""`openline hub token`: what it makes, the hub accepts."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest

from tests.cli.node.nodes import SECRET, token, write_config
from tests.cli.terminal import run

SUBSCRIPTION = SECRET[::-1]


def test_a_connection_token_says_who_and_how_long(tmp_path: Path) -> None:
    path = write_config(tmp_path, f'[token]\nhmac_secret = "{SECRET}"\naudience = "hub"\nissuer = "app"\n')
    text = token(path, "--user", "42", "--expire", "60", "--info", '{"name": "Ann"}')
    claims = jwt.decode(text, SECRET, algorithms=["HS256"], audience="hub", issuer="app")
    assert (claims["sub"], claims["info"]) == ("42", {"name": "Ann"})
    assert 0 < claims["exp"] - time.time() <= 60
    assert "channel" not in claims


def test_a_subscription_token_is_made_with_its_own_secret(tmp_path: Path) -> None:
    text = f'[token]\nhmac_secret = "{SECRET}"\nuser_claim = "user"\n'
    path = write_config(tmp_path, text)
    made = token(path, "--user", "42", "--channel", "chat:1", "--expire", "0")
    claims = jwt.decode(made, SECRET, algorithms=["HS256"])
    assert (claims["user"], claims["channel"], "exp" in claims) == ("42", "chat:1", False)
    path = write_config(tmp_path, f'{text}[subscription_token]\nhmac_secret = "{SUBSCRIPTION}"\n')
    assert jwt.decode(token(path, "--user", "42", "--channel", "x"), SUBSCRIPTION, algorithms=["HS256"])
    assert jwt.decode(token(path, "--user", "42"), SECRET, algorithms=["HS256"])


@pytest.mark.parametrize("info", ["", "{", "Ann"])
def test_info_is_json(tmp_path: Path, info: str) -> None:
    result = run("hub", "token", "--config", write_config(tmp_path), "--user", "42", "--info", info)
    assert b"--info is not JSON" in result.stderr
    assert result.returncode == 1
