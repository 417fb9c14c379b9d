"""Bad input: files that are damaged, odd or meant ill, made by a script."""
