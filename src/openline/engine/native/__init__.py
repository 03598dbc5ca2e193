"""The native engine: all Cython of openline. Linux only; everything here has a portable twin."""
