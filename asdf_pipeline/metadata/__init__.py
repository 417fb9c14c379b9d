"""StationXML and QuakeML documents, and what ObsPy makes of them; no HDF5."""
