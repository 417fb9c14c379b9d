"""The team of a Dask cluster: its workers have batches of units done, each by a member.

A task of Dask's is a batch. Its result is what became of the units, and the name of the
sealed segment in the work directory that holds their data: that itself never goes
through the scheduler. Dask repeats a task whose worker was lost; here the record of the
batch in the work directory shows that it was begun, nothing is done, and the ledger
hands its units out anew.
"""
