"""RFC 6455 and RFC 7692 without input and output: bytes in, events and bytes out. Import from its modules."""
