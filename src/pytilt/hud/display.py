"""What the display shows: its parts, and how it follows the session."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from pytilt.errors import SessionUnreachableError
from pytilt.hud.bars import KeyBar, StatusBar, TitleBar
from pytilt.hud.commands import COMMANDS, Now
from pytilt.hud.glyphs import SPINS_PER_SECOND
from pytilt.hud.logpane import LogPane
from pytilt.hud.notifications import Desktop, Notifications, notification_text
from pytilt.hud.options import SIXTEEN, Notify, Options
from pytilt.hud.session import Enable, LogQuery, SessionSource
from pytilt.hud.styling import CSS
from pytilt.hud.table import ResourceTable
from pytilt.hud.themes import themes
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.store.objects import Snapshot, utc_now
from pytilt.views.loglines import own_words
from pytilt.views.rows import Row, Rows
from pytilt.views.summaries import Summary, summary

RETRY_SECONDS = 1.0
"""Between two tries to reach a session that does not answer."""

LAST_WORDS = 60
"""Lines from the end of the log of a broken row in which its details look for the cause."""

MIN_TABLE = 3
"""Lines that the table has at least."""

BARS = 3
"""Lines of the screen that are neither rows nor log."""

SHORT_LOG = 9
"""Lines that the log pane has at least, its title among them."""

AT_ONCE = 5
"""Broken rows without last words for which the log is asked again every second."""


class Display(App[None]):
    """Everything the display shows, and how it follows the session; `Hud` adds what the keys do.

    Args:
        source: the session.
        options: how the display is wanted.
        open_page: opens a page in the browser.
        desktop: shows a notification on the desktop.
        clock: returns the time.
    """

    TITLE = "tilt"
    CSS = CSS
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    NOTIFICATION_TIMEOUT = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(each.keys, each.action, each.help, show=False, priority=each.keys in ("ctrl+c", "ctrl+z"))
        for each in COMMANDS
    ]

    def __init__(
        self,
        source: SessionSource,
        options: Options,
        *,
        open_page: Callable[[str], Awaitable[bool]],
        desktop: Desktop,
        clock: Callable[[], datetime] = utc_now,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(ansi_color=options.theme == SIXTEEN or None)
        self._source = source
        self._options = options
        self._open_page = open_page
        self._desktop = desktop
        self._clock = clock
        self._has_ended = has_ended
        self._cache = Rows()
        self._row_notifications = Notifications()
        self._state: Snapshot | None = None
        self._rows: tuple[Row, ...] = ()
        self._switched: Enable | None = None
        self._last_words: dict[ResourceName, list[str]] = {}
        self._problem = ""
        self._log_size = "short"
        self._log_height: int | None = None
        self._before_log: tuple[str, LogQuery] | None = None
        self.status = StatusBar()
        self.titles = TitleBar()
        self.table = ResourceTable(clock)
        self.pane = LogPane(source, clock)
        self.keys = KeyBar()
        for theme in themes():
            self.register_theme(theme)
        self.theme = options.theme

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield self.status
        yield self.titles
        yield self.table
        yield self.pane
        yield self.keys

    def on_mount(self) -> None:
        """Begin to watch the session."""
        self.table.empty_text = "waiting for the session …"
        self.table.focus()
        self.pane.add_class("short")
        self._watch()
        self.set_interval(1.0, self._tick)
        self._spinner = self.set_interval(1 / SPINS_PER_SECOND, self.table.spin, pause=True)

    # What comes from the session

    @work(group="watch")
    async def _watch(self) -> None:
        while True:
            try:
                await self._source.objects(self._take)
            except SessionUnreachableError as problem:
                if self._state is not None and (self._options.owns_session or self._has_ended()):
                    self.exit()
                    return
                self._problem = f"{problem.message}; trying again"
                self._show()
            await asyncio.sleep(RETRY_SECONDS)

    def _take(self, state: Snapshot) -> None:
        self._state, self._problem = state, ""
        self._rows = self._cache.of(state)
        self._alert()
        self._wake()
        (self._spinner.resume if any(row.updating for row in self._rows) else self._spinner.pause)()
        self._show()

    def _show(self) -> None:
        if self._state is not None:
            self.status.show(summary(self._state, self._rows), self._problem)
            self.table.show_rows(self._rows, self._last_words)
            self._empty()
        else:
            self.status.show(Summary(), self._problem)
        self._show_keys()

    def _empty(self) -> None:
        hidden = self.table.filter.shown
        self.table.empty_text = f"no resource is {hidden}: press f for others" if hidden else "no resources yet"

    def _show_keys(self) -> None:
        self._fit_log()
        row, group = self.table.selected, self.table.selected_group
        switchable = [each for each in group.rows if each.name != TILTFILE] if group and not row else []
        self.titles.show(self.table.draw_titles())
        self.keys.show(
            Now(
                row=row,
                expanded=self.table.selection_is_unfolded,
                reading=self.pane.view.has_focus,
                full_log=self._log_size == "full",
                searching=bool(self.pane.view.look.words),
                group_on=any(each.enabled for each in switchable),
                group_off=any(not each.enabled for each in switchable),
                undo=bool(self._undoable()),
                broken=self._log_size != "full" and any(each.trouble and each is not row for each in self._rows),
            )
        )

    def _undoable(self) -> tuple[ResourceName, ...]:
        """The resources of the last switching that are still as it left them."""
        last = self._switched
        if last is None:
            return ()
        return tuple(row.name for row in self._rows if row.name in last.names and row.enabled is last.enabled)

    def _alert(self) -> None:
        for turn in self._row_notifications.take(self._rows):
            title, text = notification_text(turn)
            self.notify(text or "", title=title, severity="error" if turn.broken else "information", markup=False)
            if self._options.notify in (Notify.BELL, Notify.ALL):
                self.bell()
            if self._options.notify in (Notify.DESKTOP, Notify.ALL):
                self._notify_desktop(title, text)

    @work(group="desktop")
    async def _notify_desktop(self, title: str, text: str) -> None:
        await self._desktop(title, text)

    def _wake(self) -> None:
        """Fetch the last words of what broke, and forget those of what is well again."""
        broken = {row.name for row in self._rows if row.crashed}
        for name in self._last_words.keys() - broken:
            del self._last_words[name]
        for name in broken - self._last_words.keys():
            self._last_words[name] = []
            self._fetch_last_words(name)

    @work(group="last words")
    async def _fetch_last_words(self, name: ResourceName) -> None:
        try:
            lines = await self._source.older(LogQuery(resource=name, source="runtime"), None, LAST_WORDS)
        except SessionUnreachableError:
            return
        row = next((row for row in self._rows if row.name == name), None)
        texts = own_words(lines, row.error if row else "")
        if texts and name in self._last_words:
            self._last_words[name] = texts
            self._show()

    def _tick(self) -> None:
        self.table.tick()
        # The log of a crash may come after the news of it.
        for name in [name for name, words in self._last_words.items() if not words][:AT_ONCE]:
            self._fetch_last_words(name)

    # Events of the panes

    def on_resource_table_chosen(self) -> None:
        """Another row is selected."""
        row = self.table.selected
        if self.pane.solo and row is not None and self._log_size != "full":
            self.pane.show_resource(row.name)
        self._show_keys()

    def on_log_pane_view_changed(self) -> None:
        """The log shows something else."""
        self._show_keys()

    def on_resource_table_reshaped(self) -> None:
        """The columns have changed."""
        self._show_keys()

    def _fatal_error(self) -> None:
        """A bug: leave with its traceback as Python prints it. Textual's shows values too, secrets among them."""
        self.panic(Text(traceback.format_exc()))

    # How large the log is

    def _fit_log(self) -> None:
        """Give a short log the lines that the rows leave empty, and the rows all but the log's shortest."""
        short = self._log_size == "short"
        self.table.give_room(self.size.height - BARS - SHORT_LOG if short else 0)
        height = max(SHORT_LOG, self.size.height - BARS - max(MIN_TABLE, self.table.line_count())) if short else None
        if height != self._log_height:
            self._log_height = height
            if height is None:
                self.pane.styles.clear_rule("height")
            else:
                self.pane.styles.height = height

    def _resize_log(self, size: str) -> None:
        self.pane.remove_class(self._log_size)
        self.pane.add_class(size)
        self._log_size = size
        self.table.display = self.titles.display = size != "full"
        (self.pane.view if size == "full" else self.table).focus()
        self._show_keys()

    def _close_log(self) -> None:
        size, query = self._before_log or ("short", self.pane.query_now)
        self._before_log = None
        self.pane.close_search()
        self.pane.show(query)
        self._resize_log(size if size != "full" else "short")
