"""ASDF on HDF5: the only room that imports h5py."""
