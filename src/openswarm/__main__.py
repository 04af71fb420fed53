"""`python -m openswarm` is the command line."""

from openswarm.cli.main import main

if __name__ == "__main__":
    main()
