"""What somebody on the wire sees of a line, by ``ws`` and by ``wss``; and who may open one."""
