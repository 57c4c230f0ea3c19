"""What to say when several tasks of a group failed at once."""


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that happened first; the others were ended because of it."""
    first = group.exceptions[0]
    return first_failure(first) if isinstance(first, BaseExceptionGroup) else first
