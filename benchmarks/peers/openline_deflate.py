"""How openline is asked for the compression of a work."""

from typing import TypedDict

from benchmarks.peers.job import Job
from openline.protocol.extensions.permessage_deflate import ServerPerMessageDeflateFactory


class DeflateArguments(TypedDict, total=False):
    compression: str | None
    extensions: list[ServerPerMessageDeflateFactory]


def deflate_arguments(job: Job) -> DeflateArguments:
    """Arguments of ``serve``."""
    match job.deflate:
        case "none":
            return {"compression": None}
        case "equal":
            return {"compression": None, "extensions": [ServerPerMessageDeflateFactory()]}
        case _:
            return {}
