"""The bytes: descriptors, buffers, deadlines, TLS and wake-ups. See README.md."""

from openline.engine.asyncio import of as of
