"""`python -m mintworks_cli`."""

from .main import app

app(prog_name="mintworks")
