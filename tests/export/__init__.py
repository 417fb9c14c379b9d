"""What an ASDF file is exported as."""
