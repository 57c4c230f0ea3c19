"""How wide a text is in a terminal, in its cells."""


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: a letter of Chinese or an emoji takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # imported here: few names need it

    return cell_len(text)


def filled(text: str, width: int) -> str:
    """A text with spaces after it, so that it takes so many cells."""
    return text + " " * (width - cells(text))


def first_cells(text: str, width: int) -> str:
    """The beginning of a text that takes so many cells."""
    if text.isascii():
        return text[:width]
    from rich.cells import set_cell_size

    return set_cell_size(text, width)
