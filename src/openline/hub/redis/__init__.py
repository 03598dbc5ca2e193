"""The way to Redis, which the broker and the store share: where it is, the connections, the scripts."""
