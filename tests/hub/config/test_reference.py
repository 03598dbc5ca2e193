"""Every option has its meaning, in the documentation as in the docstrings."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from openline.hub.config.broker_kinds import BROKERS
from openline.hub.config.load import load_config
from openline.hub.config.reference import broker_options, options_of, tables
from openline.hub.options import HubOptions
from tools.hub_options import PAGE, filled


def test_every_option_says_what_it_means() -> None:
    known = tables() | {name: broker_options(name) for name in BROKERS}
    assert not [(table, one.name) for table, options in known.items() for one in options if not one.text]
    written = {one.name for one in known[""]} | {"token", "subscription_token"}
    assert written == {one.name for one in dataclasses.fields(HubOptions)}


def test_an_option_has_its_type_default_and_meaning() -> None:
    drain = next(one for one in options_of(HubOptions, HubOptions()) if one.name == "drain")
    assert (drain.kind, drain.default, drain.secret) == ("a number", "30", False)
    assert drain.text.startswith("How long sessions are sent away")
    assert next(one for one in tables()["token"] if one.name == "hmac_secret").secret


def test_the_documentation_shows_the_options_as_they_are() -> None:
    """If this fails: python tools/hub_options.py."""
    page = PAGE.read_text()
    assert filled(page) == page
    assert page.count("<!-- end -->") == 4 + len(BROKERS)


def test_the_documentations_examples_are_right(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert examples
    for text in examples:
        path = tmp_path / "hub.toml"
        (tmp_path / "key").write_text("key")
        path.write_text(text.replace("/run/secrets/api-key", "key"))
        assert load_config(path, {}).namespaces


@pytest.mark.parametrize("name", ["OPENLINE_HUB_DRAIN", "OPENLINE_HUB_NAMESPACES____PRESENCE"])
def test_the_variables_it_names_are_ones(name: str) -> None:
    text = re.search(rf"{name}=(\w+)", PAGE.read_text())
    assert text is not None
    load_config(None, {name: text[1]})
