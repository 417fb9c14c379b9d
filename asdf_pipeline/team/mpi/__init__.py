"""The team of MPI ranks: `ranks` forms it, and the others are its parts.

``dispatcher`` is rank 0's side of the accounts and ``accounts`` a rank's own, ``links``
and ``mailbox`` what goes between them; ``parallel`` is where all write one segment;
``guard`` ends the whole job with any of its ranks.
"""
