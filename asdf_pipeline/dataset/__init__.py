"""The library: an ASDF file behind the names that users of pyasdf know."""
