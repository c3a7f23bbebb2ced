"""`python -m mintworks_cli`."""

from .main import main

main()
