"""The operations inside the blocks: in each file the plain definition, beside it the fast way if there is one."""
