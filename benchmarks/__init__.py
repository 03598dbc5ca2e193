"""How fast openline is, beside its peers and beside the least that the kernel asks for. See README.md."""
