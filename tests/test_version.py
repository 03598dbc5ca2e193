"""The version, and what is said of it to peers."""

import re

import openline
from openline.version import PRODUCT, __version__


def test_version_is_public() -> None:
    assert openline.__version__ == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)


def test_rfc_9110_section_10_1_5_product() -> None:
    assert re.fullmatch(r"Python/3\.\d+ openline/\S+", PRODUCT)
    assert PRODUCT.endswith(__version__)
