"""A real Slurm on this machine, and what is done to it: some minutes, by `make cluster-check`."""
