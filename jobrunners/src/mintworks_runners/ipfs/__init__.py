"""Content addressing as Kubo does it: blocks, UnixFS files and folders, CAR files; and reading what others hold."""
