"""The version of openline, and how it names itself to peers."""

import sys

__all__ = ["PRODUCT", "__version__"]

__version__ = "0.1.0"

PRODUCT = f"Python/{sys.version_info[0]}.{sys.version_info[1]} openline/{__version__}"
"""Value of the User-Agent and Server headers (RFC 9110 sections 10.1.5 and 10.2.4), as ``websockets`` writes them."""
