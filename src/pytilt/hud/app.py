"""What each key of the display does."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from msgspec.structs import replace
from textual import work
from textual.app import SuspendNotSupported, SystemCommand
from textual.screen import Screen

from pytilt.errors import SessionUnreachableError
from pytilt.host.output import plain
from pytilt.hud.display import Display
from pytilt.hud.form import Answer, ButtonForm, button_text
from pytilt.hud.helping import graph_lines, help_lines
from pytilt.hud.palette import OfResources, of_session
from pytilt.hud.popups import Choice, Question, Reading, Typing
from pytilt.hud.session import Arguments, Click, Enable, LogQuery, Request, TriggerRequest
from pytilt.hud.terminal import stop_until_foreground
from pytilt.model.api.buttons import UIButton
from pytilt.model.api.toggles import stop_button_name
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.resources import Link
from pytilt.model.times import precise
from pytilt.views.buttons import asked, initial_inputs
from pytilt.views.groups import Filter, Show
from pytilt.views.rows import Row
from pytilt.views.summaries import summary

LISTED = 4
"""Names that a message lists before it counts."""

STOPPED = "the session is stopped: `fg` goes on with it, `bg` does so without the display until `fg`"

HIDDEN = "the session goes on: `fg` shows it again"

SHRUG = "¯\\_(ツ)_/¯"


class Hud(Display):
    """The heads-up display."""

    COMMANDS = Display.COMMANDS | {OfResources}

    # Keys that work on rows

    def on_resource_table_opened(self) -> None:
        """A row was clicked twice."""
        self.action_open_log()

    def action_move(self, steps: int) -> None:
        """Select another row, or scroll the log."""
        if self.pane.view.has_focus:
            self.pane.view.scroll_lines(steps)
        else:
            self.table.move(steps)

    def action_page(self, pages: int) -> None:
        """A page of the log, or of the rows."""
        if self.pane.view.has_focus:
            self.pane.view.scroll_lines(pages * self.pane.view.page)
        else:
            self.table.move(pages * self.table.page)

    def action_edge(self, side: int) -> None:
        """First or last row; beginning of the log, or its end from anywhere."""
        reading = self.pane.view.has_focus
        if not reading:
            self.table.move(side * self.table.line_count())
        if side > 0:
            self.pane.end()
        elif reading:
            self.pane.view.show_from(0)

    def action_unfold(self, wanted: bool) -> None:
        """Expand or fold."""
        if not self.pane.view.has_focus:
            self.table.unfold(wanted=wanted)
            self._show_keys()

    def action_open_log(self) -> None:
        """The log of the row on the whole screen; a group folds."""
        row = self.table.selected
        if self.pane.view.has_focus or self._log_size == "full":
            return
        if row is None:
            self.table.unfold()
            self._show_keys()
            return
        self._before_log = (self._log_size, self.pane.query_now)
        self.pane.show(LogQuery(resource=row.name))
        self._resize_log("full")

    def action_trigger(self) -> None:
        """Update the row."""
        row = self._row()
        if row is not None:
            self._ask(TriggerRequest(name=row.name), f"update of {row.name} is asked for")

    def action_stop(self) -> None:
        """Stop the update of the row that runs."""
        row = self._row()
        if row is not None and row.updating:
            click = Click(button=stop_button_name(row.name), at=precise(self._clock()), inputs=())
            self._ask(click, f"stopping the update of {row.name}")

    def action_enable(self, enabled: bool) -> None:
        """Switch the resource on or off; a group: all of it."""
        row, group = self.table.selected, self.table.selected_group
        rows = (row,) if row else group.rows if group else ()
        names = tuple(each.name for each in rows if each.name != TILTFILE and each.enabled is not enabled)
        self._switch(Enable(names=names, enabled=enabled), f"all of {group.title}" if group and not row else "")

    def action_undo(self) -> None:
        """Take back the last switching on or off, as far as nobody did yet."""
        if self._switched is not None:
            self._switch(Enable(names=self._undoable(), enabled=not self._switched.enabled), "what was switched on")

    def _switch(self, wanted: Enable, what: str) -> None:
        """Switch resources on or off; ask before several go off, as their objects are deleted."""
        if not wanted.names:
            return
        if wanted.enabled or len(wanted.names) == 1:
            self._ask_to_switch(wanted)
            return
        count = len(wanted.names)
        text = f"{listed(wanted.names)} will stop, and what was deployed for them is deleted."
        question = Question(f"disable {what}?", text, f"disable {count}", "keep them")
        self.push_screen(question, lambda yes: self._ask_to_switch(wanted) if yes else None)

    def _ask_to_switch(self, wanted: Enable) -> None:
        self._switched = wanted
        word = "enabled" if wanted.enabled else "disabled"
        self._ask(wanted, f"{listed(wanted.names)}: {word}; z takes it back", seconds=6)

    # Buttons

    def action_press(self) -> None:
        """Press a button of the row, or of the session; of several, ask which."""
        row = self._row()
        if row is None:
            return
        others = () if row.name == TILTFILE else self._session_buttons()
        offered = {each.name: each for each in (*row.buttons, *others)}
        if not offered:
            self.notify(f"there are no buttons at {row.name}", markup=False)
        elif len(offered) == 1:
            self.press(next(iter(offered.values())))
        else:
            options = [(name, button_text(each)) for name, each in offered.items()]
            chosen = Choice(f"press a button of {row.name}", options)
            self.push_screen(chosen, lambda name: self.press(offered[name]) if name else None)

    def action_press_named(self, name: str) -> None:
        """Press the button of a name, as a click on it does."""
        button = next((each for row in self._rows for each in row.buttons if each.name == name), None)
        if button is not None:
            self.press(button)

    def press(self, button: UIButton) -> None:
        """Press a button, once its inputs are given and the person has confirmed."""
        text = plain(button.spec.text)
        if button.spec.disabled:
            self.notify(f"`{text}` is disabled", severity="warning", markup=False)
        elif asked(button):
            self.push_screen(
                ButtonForm(button, text), lambda given: None if given is None else self._confirm(button, given)
            )
        else:
            self._confirm(button, initial_inputs(button))

    def _confirm(self, button: UIButton, given: Answer) -> None:
        if not button.spec.requires_confirmation:
            self._click(button, given)
            return
        text = plain(button.spec.text)
        question = Question(f"press `{text}`?", "This button asks before it acts.", "press", "leave it")
        self.push_screen(question, lambda yes: self._click(button, given) if yes else None)

    def _click(self, button: UIButton, given: Answer) -> None:
        click = Click(button=button.name, at=precise(self._clock()), inputs=given)
        self._ask(click, f"`{plain(button.spec.text)}` is pressed")

    def _session_buttons(self) -> tuple[UIButton, ...]:
        return next((row.buttons for row in self._rows if row.name == TILTFILE), ())

    @work(group="ask")
    async def _ask(self, request: Request, done: str, *, seconds: float = 2) -> None:
        try:
            refusal = await self._source.ask(request)
        except SessionUnreachableError as problem:
            refusal = problem.message
        self.notify(refusal or done, severity="error" if refusal else "information", markup=False, timeout=seconds)

    def act_on(self, word: str, name: ResourceName) -> None:
        """Do to a resource what the palette was asked for: `trigger`, `enable` or `disable`."""
        if word == "trigger":
            self._ask(TriggerRequest(name=name), f"update of {name} is asked for")
        else:
            self._switch(Enable(names=(name,), enabled=word == "enable"), name)

    def action_go_to(self, name: str) -> None:
        """Select a row, wherever it is."""
        self.table.select_row(name)
        self._show_keys()

    def action_browse(self) -> None:
        """Open the endpoint of the row; of several, ask which."""
        row = self._row()
        if row is None:
            return
        offered = [each for each in row.endpoints if not each.error]
        if row.endpoints and not offered:
            self.notify(row.endpoints[0].error, title="! Alert !", severity="error", markup=False)
        elif not offered:
            self.notify(f"no urls for resource '{row.name}' {SHRUG}", title="! Alert !", severity="error", markup=False)
        elif len(offered) == 1:
            self.action_open_link(offered[0].url)
        else:
            options = [(each.url, _endpoint_text(each)) for each in offered]
            self.push_screen(Choice(f"open {row.name}", options), self._open_chosen)

    def _open_chosen(self, url: str | None) -> None:
        if url:
            self.action_open_link(url)

    @work(group="browser")
    async def action_open_link(self, url: str) -> None:
        """Open an address in the browser."""
        self.notify(url, title="opening", timeout=2, markup=False)
        if not await self._open_page(url):
            self.notify(f"no browser could be started for {url}", severity="error", markup=False)

    def action_web(self) -> None:
        """Open the page of the session."""
        self.action_open_link(self._options.url)

    def action_mute(self) -> None:
        """No alerts of the row, or again."""
        row = self._row()
        if row is not None:
            muted = self._row_notifications.mute(row.name)
            self.notify(f"alerts of {row.name} are {'off' if muted else 'on'}", timeout=2, markup=False)

    def action_filter(self) -> None:
        """Ask which rows are to be shown."""
        options = [
            ("all", "all resources"),
            ("unhealthy", "unhealthy: broken ones only"),
            ("pending", "pending: those that update or wait"),
            ("text", "text: names that contain …"),
        ]
        self.push_screen(Choice("show", options), self._filter_chosen)

    def _filter_chosen(self, chosen: str | None) -> None:
        if chosen == "text":
            ask = Typing("show", "names that contain:", self.table.filter.text)
            self.push_screen(ask, self._filter_typed)
        elif chosen is not None:
            self._filter(Filter(show=Show(chosen)))

    def _filter_typed(self, text: str | None) -> None:
        if text is not None:
            self._filter(replace(self.table.filter, text=text))

    def _filter(self, wanted: Filter) -> None:
        self.table.show_only(wanted)
        self._empty()
        self._show_keys()

    def action_next_broken(self) -> None:
        """Select the next row that is broken, and after the last the first."""
        broken = [row.name for row in self._rows if row.trouble]
        row = self.table.selected
        if broken:
            at = broken.index(row.name) + 1 if row and row.name in broken else 0
            self.table.select_row(broken[at % len(broken)])

    def action_graph(self) -> None:
        """What waits for what."""
        self.push_screen(Reading("what waits for what", graph_lines(self._rows, self._clock())))

    # Keys that work on the log

    def action_other_pane(self) -> None:
        """Give the keys to the other pane."""
        (self.table if self.pane.view.has_focus and self._log_size != "full" else self.pane.view).focus()

    def action_log_size(self) -> None:
        """Short, half, full, and short again."""
        sizes = ("short", "half", "full")
        if self._log_size == "short" and self.pane.size.height >= self.size.height // 2:
            self._resize_log("full")  # it has more than half already
            return
        self._resize_log(sizes[(sizes.index(self._log_size) + 1) % len(sizes)])

    def action_source(self, source: str) -> None:
        """All lines, those of builds, or those of what runs."""
        self.pane.show_source(source)

    def action_solo(self) -> None:
        """The log of the selected row alone, or of all."""
        row = self.table.selected
        self.pane.solo = not self.pane.solo
        self.pane.show_resource(row.name if self.pane.solo and row else None)

    def action_search(self) -> None:
        """Search the log."""
        self.pane.ask_search()

    def action_find(self, backwards: bool) -> None:
        """The next line with the words."""
        if self.pane.view.look.words:
            self.pane.find(backwards=backwards)

    def action_level(self) -> None:
        """All levels, warnings, errors."""
        self.pane.next_level()

    def action_times(self) -> None:
        """Times on or off."""
        self.pane.switch_times()

    def action_wrap(self) -> None:
        """Wrap or not."""
        self.pane.switch_wrap()

    def action_copy(self) -> None:
        """Copy what is selected, else what is seen."""
        text = self.screen.get_selected_text() or self.pane.view.visible_text()
        self.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self.notify(f"{lines} {'line' if lines == 1 else 'lines'} copied", timeout=2)

    # Keys that work on the session

    def action_args(self) -> None:
        """Ask for other arguments of the Tiltfile."""
        present = summary(self._state, self._rows).args if self._state else ()
        text = "arguments of the Tiltfile, as after `tilt up --`:"
        self.push_screen(Typing("arguments", text, shlex.join(present)), self._args_typed)

    def _args_typed(self, text: str | None) -> None:
        if text is None:
            return
        try:
            words = tuple(shlex.split(text))
        except ValueError as problem:
            self.notify(f"these are no arguments: {problem}", severity="error", markup=False)
            return
        self._ask(Arguments(args=words), "the Tiltfile is evaluated with other arguments")

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Reading("keys", help_lines()))

    def action_redraw(self) -> None:
        """Draw everything anew."""
        self.refresh(layout=True)
        self.screen.refresh(layout=True)

    def action_close(self) -> None:
        """Close the search, the log of one row, or leave the log pane."""
        if self.pane.close_search():
            self.table.focus() if self._log_size != "full" else self.pane.view.focus()
        elif self._log_size == "full":
            self._close_log()
        else:
            self.table.focus()

    def action_leave(self) -> None:
        """Close the log on the whole screen, else leave; ask when that ends an update."""
        if self._log_size == "full":
            self._close_log()
            return
        running = [row.name for row in self._rows if row.updating]
        if not running or not self._options.owns_session:
            self.exit()
            return
        are = "An update of" if len(running) == 1 else "Updates of"
        text = f"{are} {', '.join(running[:3])}{' and others' if len(running) > 3 else ''} will be cut off."
        self.push_screen(Question("leave?", text, "leave"), lambda yes: self.exit() if yes else None)

    async def action_quit(self) -> None:
        """Leave at once."""
        self.exit()

    def action_suspend(self) -> None:
        """Give the terminal back to the shell until that brings the display to the foreground again.

        A session that began in this terminal stops too, else the shell would wait for it.
        """
        with suppress(SuspendNotSupported), self.suspend():
            sys.stdout.write(f"{STOPPED if self._options.owns_session else HIDDEN}\n")
            sys.stdout.flush()
            stop_until_foreground()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers before anything is typed."""
        del screen
        return of_session(self)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, whether they are shown or not."""
        return self._rows

    def run_soon(self, action: str) -> None:
        """Do what a key does, after what is under way."""
        self.call_later(self.run_action, action)

    def _row(self) -> Row | None:
        return None if self._log_size == "full" and self._before_log is None else self.table.selected


def _endpoint_text(endpoint: Link) -> str:
    return f"{endpoint.name}  {endpoint.url}" if endpoint.name else endpoint.url


def listed(names: Sequence[ResourceName]) -> str:
    """Names for people: not more than a few."""
    if len(names) <= LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:LISTED])} and {len(names) - LISTED} more"
