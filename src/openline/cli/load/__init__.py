"""What ``openline bench`` is made of."""
