"""The user's function: found, loaded, fingerprinted; what it may return."""
