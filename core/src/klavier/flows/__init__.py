"""Run a vendor's flow: one request, the execution of a generator, the drivers, and the dry run."""
