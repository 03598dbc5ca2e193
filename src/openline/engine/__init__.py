"""The bytes: descriptors, buffers, deadlines, TLS and wake-ups. See README.md."""
