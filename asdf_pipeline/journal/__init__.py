"""The work directory: its lock, the journal of outcomes, sealed segments, resuming."""
