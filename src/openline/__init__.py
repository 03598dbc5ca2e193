"""WebSocket for Python, from the wire up."""

from openline.version import __version__ as __version__
