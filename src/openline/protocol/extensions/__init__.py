"""Extensions to the protocol (RFC 6455 section 9)."""
