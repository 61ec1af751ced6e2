"""``python -P -m axis``: the command line, where the command itself is not in the path."""

from axis.cli import main

if __name__ == "__main__":
    main(prog_name="axis")
