"""What ``openline hub`` is made of."""
