"""The example configuration: right as it is, and still right with every option taken in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from openline.hub.config.load import load_config
from openline.hub.config.sample import sample


def test_the_example_is_right_and_its_secrets_are_its_own(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(sample())
    config = load_config(path, {})
    assert config.hub.token.enabled
    assert config.hub.api_key
    assert config.hub.admin_password
    assert list(config.namespaces) == ["chat"]
    assert sample() != sample()


def test_every_default_it_shows_can_be_taken_in(tmp_path: Path) -> None:
    text = sample().partition("# An example:")[0]
    # Options of a namespace stand before any; a table for them comes with the first.
    text = text.replace("# All that a namespace can say", "[namespaces.all]\n#").replace(
        "namespace is not here does not exist. All that a namespace can say:", "\n[namespaces.all]"
    )
    taken = re.sub(r"^# (\w+ = .+)$", r"\1", text, flags=re.MULTILINE)
    path = tmp_path / "hub.toml"
    path.write_text(taken)
    assert len(tomllib.loads(taken)) > 20
    config = load_config(path, {})
    path.write_text(text)
    plain = load_config(path, {})
    assert config == plain


def test_the_lines_are_short() -> None:
    assert max(map(len, sample().splitlines())) <= 120
