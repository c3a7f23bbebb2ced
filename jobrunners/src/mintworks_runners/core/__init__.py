"""What every runner shares: the protocol of a run, its errors, progress, sources and the way it stops."""
