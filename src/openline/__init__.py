"""WebSocket for Python, from the wire up."""

__version__ = "0.1.0"
