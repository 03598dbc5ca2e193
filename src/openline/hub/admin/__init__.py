"""The admin page of a hub."""
