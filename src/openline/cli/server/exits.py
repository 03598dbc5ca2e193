"""How a process ended, in words."""

import signal


def describe_exit(status: int) -> str:
    """Return ``exit code 3`` or ``SIGKILL`` for what `subprocess` calls a return code."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
