"""What is to be done, and what became of it: plain frozen data."""
