"""``python -m cnnspec`` is the command line."""

from cnnspec.cli import main

main()
