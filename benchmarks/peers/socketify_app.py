"""socketify: uWebSockets under Python, on a loop of its own."""

import argparse
import socket

from socketify import App, AppListenOptions, CompressOptions, OpCode, WebSocket

from benchmarks.peers.job import MAX_SIZE


def free_port() -> int:
    """A port that is free now: socketify does not tell which one it was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fanout", action="store_true")
    parser.add_argument("--text", action="store_true")
    arguments = parser.parse_args()
    app = App()

    def echo(ws: WebSocket, message: str | bytes, opcode: OpCode) -> None:
        ws.send(message, opcode)

    def join(ws: WebSocket) -> None:
        ws.subscribe("all")

    def fan_out(ws: WebSocket, message: str | bytes, opcode: OpCode) -> None:
        app.publish("all", message, opcode)

    handlers = {"open": join, "message": fan_out} if arguments.fanout else {"message": echo}
    settings = {
        "compression": CompressOptions.DISABLED,
        "max_payload_length": MAX_SIZE,
        "max_backpressure": 4 * MAX_SIZE,
        "idle_timeout": 0,
        **handlers,
    }
    app.ws("/*", settings)
    port = free_port()
    app.listen(
        AppListenOptions(port=port, host="127.0.0.1"), lambda config: print("listening", port, flush=True)
    )
    app.run()


main()
