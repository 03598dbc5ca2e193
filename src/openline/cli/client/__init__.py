"""What ``openline connect`` is made of."""
