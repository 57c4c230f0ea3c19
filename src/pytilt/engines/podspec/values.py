"""Values in a spec as Kubernetes writes them: amounts of memory and processors, and `$(NAME)` in texts."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from pytilt.errors import ApplyError

SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
"""From Kubernetes' `resource.Quantity`."""
REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z0-9]+)\)")


def amount(text: object) -> Decimal:
    """The number that a quantity stands for: bytes, processors, pieces.

    Raises:
        ApplyError: it cannot be read.
    """
    word = str(text).strip()
    for name in sorted(SUFFIXES, key=len, reverse=True):
        if word.endswith(name):
            return _number(word.removesuffix(name), word) * SUFFIXES[name]
    return _number(word, word)


def _number(digits: str, word: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise ApplyError(f"`{word}` is not a quantity", hint="write it like `500m`, `1.5` or `64Mi`") from None


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)`; an unknown name stays as it is, `$$` becomes `$`."""

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else values.get(name, match.group(0))

    return REFERENCE.sub(replaced, text)
