"""``python -m openline``: the same as the ``openline`` command."""

from openline.cli import main

if __name__ == "__main__":
    main(prog_name="openline")
