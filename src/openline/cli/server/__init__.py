"""What ``openline serve`` is made of."""
