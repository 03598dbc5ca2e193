"""One SQLite file, one process, one thread that writes: what the SQLite broker and the SQLite store stand on."""
