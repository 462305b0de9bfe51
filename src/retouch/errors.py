"""The one error a user can cause."""


class RetouchError(ValueError):
    """An error the user can cause and mend.

    Its text is one sentence that says what is wrong and what to do. The command line prints it
    and ends with exit code 2; nothing has been written by then.
    """
