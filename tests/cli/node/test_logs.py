"""The log of a hub, for people and for machines."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from openline.cli.node.logs import JSONLines


def test_a_record_is_one_object() -> None:
    try:
        raise LookupError("nothing\nhere")
    except LookupError:
        record = logging.LogRecord(
            "openline.hub", logging.ERROR, "x.py", 1, "%s of %r failed", ("publish", "a\nb"), sys.exc_info()
        )
    record.session = object
    line = JSONLines().format(record)
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["level"], fields["logger"]) == ("error", "openline.hub")
    assert fields["message"] == "publish of 'a\\nb' failed"
    assert "LookupError: nothing\nhere" in fields["error"]
    assert fields["session"] == str(object)
    assert fields["time"].endswith("+00:00")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_logged_goes_to_the_standard_error(form: str) -> None:
    program = f"""
import logging
from openline.cli.node.logs import log_to_stderr
log_to_stderr("info", {form!r})
logging.getLogger("openline.hub").info("here")
logging.getLogger("openline.hub").debug("not this")
logging.getLogger("other").info("nor this")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert (json.loads(line)["message"] if form == "json" else line.split()[-1]) == "here"
