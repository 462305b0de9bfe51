"""``python -m retouch`` is the command line."""

from retouch.cli import main

main()
