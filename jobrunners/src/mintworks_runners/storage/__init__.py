"""Where content goes: a Kubo node, Pinata, or a CAR file on a volume or in an object store. Start at `base.py`."""
