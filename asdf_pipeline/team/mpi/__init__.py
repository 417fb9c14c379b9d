"""The team of MPI ranks: `start` forms it, `ranks` is it, the others are its parts.

``dispatcher`` hands out the units on rank 0, ``ledger_proxy`` is the ledger as any
rank's worker has it, ``links`` and ``mailbox`` are the messages between the two;
``parallel`` is where all ranks write one segment; ``guard`` ends the whole job with any
of its ranks. `docs/architecture.md` has a diagram of the messages.
"""
