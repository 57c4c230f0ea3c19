"""The log pane: its title, its lines, and the search; it keeps following the session."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from pytilt.errors import SessionUnreachableError
from pytilt.hud.bars import LogTitle
from pytilt.hud.logview import LogView
from pytilt.hud.logwindow import PAGE
from pytilt.hud.session import LogQuery, SessionSource
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName

FRAME_SECONDS = 0.25
"""Lines that come within this time are drawn together; the first after a pause is drawn at once."""

RETRY_SECONDS = 1.0

SEARCHED_PAGES = 40
"""Pages of older lines that one search goes through before it asks whether to go on."""

LEVELS = (None, Level.WARN, Level.ERROR)


class LogPane(Vertical):
    """Lines of the session's log.

    Args:
        source: the session.
        clock: returns the time.
    """

    class ViewChanged(Message):
        """It shows something else now, or in another way."""

    def __init__(self, source: SessionSource, clock: Callable[[], datetime]) -> None:
        super().__init__(id="log-pane")
        self._source = source
        self._clock = clock
        self.query_now = LogQuery()
        self.solo = False
        """Does it show the selected row alone?"""
        self.title = LogTitle()
        self.view = LogView()
        self.search = Input(placeholder="search the log", id="search")

    def compose(self) -> ComposeResult:
        """Title, lines, search."""
        yield self.title
        yield self.view
        yield self.search

    def on_mount(self) -> None:
        """Begin to follow."""
        self.search.display = False
        self._restart()

    # Which lines

    def show(self, query: LogQuery) -> None:
        """Show other lines."""
        if query != self.query_now:
            self.query_now = query
            self._restart()

    def show_resource(self, name: ResourceName | None) -> None:
        """Show the lines of one resource, or of all."""
        self.show(replace(self.query_now, resource=name))

    def show_source(self, source: str) -> None:
        """Show lines of builds, of what runs, or all."""
        self.show(replace(self.query_now, source=source))

    def next_level(self) -> None:
        """Show all levels, then warnings and errors, then errors only, then all again."""
        at = LEVELS.index(self.query_now.level)
        self.show(replace(self.query_now, level=LEVELS[(at + 1) % len(LEVELS)]))

    def switch_times(self) -> None:
        """Show times, or not."""
        self.view.show_like(replace(self.view.look, times=not self.view.look.times))
        self._update_title()

    def switch_wrap(self) -> None:
        """Wrap long lines, or not."""
        self.view.show_like(replace(self.view.look, wrap=not self.view.look.wrap))
        self._update_title()

    def end(self) -> None:
        """Go to the newest line and follow."""
        if self.view.window.at_end:
            self.view.follow()
        else:
            self._restart()

    # Search

    def ask_search(self) -> None:
        """Ask for the words."""
        self.search.display = True
        self.search.focus()

    def close_search(self) -> bool:
        """Close the search; where it led away from the newest line, follow that again.

        Returns:
            Was there one?
        """
        if not self.search.display and not self.view.look.words:
            return False
        self.search.display = False
        self.search.clear()
        moved, self.view.at = self.view.at is not None, None
        self.view.show_like(replace(self.view.look, words=""))
        if moved:
            self.end()
        self._update_title()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Mark the words while they are typed."""
        event.stop()
        self.view.show_like(replace(self.view.look, words=event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the newest line with the words."""
        event.stop()
        self.search.display = False
        self.view.focus()
        if event.value:
            self.find(backwards=True)
        self._update_title()

    def find(self, *, backwards: bool) -> None:
        """Go to the next line with the words; backwards through all that is stored."""
        if not self.view.find(backwards=backwards):
            self._find_further(backwards=backwards)

    @work(exclusive=True, group="search")
    async def _find_further(self, *, backwards: bool) -> None:
        for _ in range(SEARCHED_PAGES):
            window = self.view.window
            if not window.lines or (window.at_start if backwards else window.at_end):
                self.notify(f'"{self.view.look.words}" is not found further {"up" if backwards else "down"}', timeout=3)
                return
            await self._fetch(older=backwards)
            if self.view.find(backwards=backwards):
                return
        self.notify(f'"{self.view.look.words}" is not found yet; press again to go on', timeout=5)

    # Feeding

    def on_log_view_wants(self, event: LogView.Wants) -> None:
        """Fetch lines beyond the window."""
        event.stop()
        self._page(older=event.older)

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        """Show whether it follows."""
        event.stop()
        self._update_title()

    @work(exclusive=True, group="page")
    async def _page(self, *, older: bool) -> None:
        await self._fetch(older=older)

    async def _fetch(self, *, older: bool) -> None:
        lines = self.view.window.lines
        if not lines:
            return
        try:
            if older:
                self.view.prepend(await self._source.older(self.query_now, lines[0].line.number, PAGE))
            else:
                found = await self._source.newer(self.query_now, lines[-1].line.number, PAGE)
                self.view.extend(found, more=len(found) == PAGE)
        except SessionUnreachableError as problem:
            self.notify(problem.message, severity="error")

    def _restart(self) -> None:
        name = self.query_now.resource
        self.view.look = replace(self.view.look, names=name is None)
        self.view.begin(f"No log output for {name}" if name else "No log output yet")
        self._follow(self.query_now)
        self._update_title()

    @work(exclusive=True, group="follow")
    async def _follow(self, query: LogQuery) -> None:
        while True:
            try:
                async for lines in self._source.follow(query, PAGE):
                    self.view.append(lines)
                    await asyncio.sleep(FRAME_SECONDS)
            except SessionUnreachableError:
                # The status bar says so; this only waits for the session to answer again, and begins anew then.
                await asyncio.sleep(RETRY_SECONDS)
            self.view.begin(self.view.empty_text)

    def _update_title(self) -> None:
        look, query = self.view.look, self.query_now
        notes = ["following" if self.view.following else "scrolled back (End follows)"]
        notes += [{Level.WARN: "warnings and errors", Level.ERROR: "errors only"}[query.level]] if query.level else []
        notes += [f'"{look.words}"  n N'] if look.words else []
        notes += [] if look.wrap else ["not wrapped"]
        self.title.show(query.resource or "", query.source, notes, reading=self.view.has_focus)
        self.post_message(self.ViewChanged())
