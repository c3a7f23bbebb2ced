"""The CleanupJob runner: what a failed MintJob left undone, and pins that are not wanted any more."""
