"""Clients to be measured, of the libraries that have one."""
