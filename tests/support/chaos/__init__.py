"""A proxy that injects faults between operator and API server, and what tells whether anything went wrong."""
