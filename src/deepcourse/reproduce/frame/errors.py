"""What a user can be told in one sentence, without a traceback. Imports: nothing."""


class UserError(Exception):
    """What somebody asked for cannot be done; the message says what to do instead."""


def require(fits, message):
    """Raise UserError with `message` unless what somebody set `fits`."""
    if not fits:
        raise UserError(message)
