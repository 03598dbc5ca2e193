"""The same stream of messages by four techniques at once, each measured."""
