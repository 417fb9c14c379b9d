"""Apply a function to every station of an ASDF file, in parallel, with nothing lost."""

__version__ = "0.1.0"
