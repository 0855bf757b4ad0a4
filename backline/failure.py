"""A failure that a person caused, or can mend: the command line prints it and exits with 1."""


class Failure(Exception):
    """The message is one whole sentence. No traceback is shown."""
