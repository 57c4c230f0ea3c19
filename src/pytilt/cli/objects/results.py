"""What a command prints that has changed objects: a line for each, or the objects in the form of `-o`."""

from __future__ import annotations

from pytilt.cli.terminal.forms import document, read_form

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytilt.cli.selection.addressing import Address
    from pytilt.cli.selection.object_options import PrintFlags
    from pytilt.model.json_text import Json


class ResultPrinter:
    """Prints what was done to objects, one by one.

    Args:
        flags: the form.
        mark: what follows the message of what was done, for example ` (dry run)`.

    Raises:
        UserError: there is no such form.
    """

    def __init__(self, flags: PrintFlags, mark: str = "") -> None:
        self._form = read_form(flags["output"], flags["template"])
        self._document = document(self._form, allow_missing=flags["allow_missing_template_keys"])
        self._mark = mark
        self._count = 0

    @property
    def whole(self) -> bool:
        """Are objects printed, and not what was done?"""
        return self._document is not None

    def done(self, address: Address, item: Json, what: str) -> None:
        """Say what was done to an object.

        Args:
            address: of the object.
            item: as it is now.
            what: for example `created`.
        """
        if self._form.name == "name":
            text = f"{address.shown}\n"
        elif self._document is None:
            text = f"{address.shown} {what}{self._mark}\n"
        else:
            text = ("---\n" if self._count and self._form.name == "yaml" else "") + self._document(item)
        self._count += 1
        print(text, end="", flush=True)

    def all_done(self, done: list[tuple[Address, Json, str]]) -> None:
        """Say what was done to several objects; where they are printed whole, as one list."""
        if self._document is None or len(done) == 1:
            for address, item, what in done:
                self.done(address, item, what)
        else:
            items = [item for _, item, _ in done]
            print(self._document({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items}), end="")
