"""Measurements that anyone can repeat: `make bench`, or `make bench GROUP=metadata`."""
