"""The command line of Backline: the only place where its processes are put together."""
