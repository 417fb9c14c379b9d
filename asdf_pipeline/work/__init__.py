"""The work on one unit: load the user's function, call it, make the product."""
