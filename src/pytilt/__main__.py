"""`python -m pytilt`: the command `tilt`, whatever the PATH says."""

from pytilt.cli.main import main

if __name__ == "__main__":
    main()
