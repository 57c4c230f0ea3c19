import pytest
from msgspec.structs import replace

from pytilt.hud.options import Notify
from pytilt.hud.session import Arguments, Click, Enable, TriggerRequest
from pytilt.model.api.buttons import (
    UIBoolInputSpec,
    UIBoolInputStatus,
    UIButton,
    UIButtonSpec,
    UIChoiceInputSpec,
    UIChoiceInputStatus,
    UIComponentLocation,
    UIHiddenInputSpec,
    UIHiddenInputStatus,
    UIInputSpec,
    UITextInputSpec,
    UITextInputStatus,
)
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName
from pytilt.model.status import RuntimeStatus
from tests import samples
from tests.hud.pilot import showing
from tests.samples import changed, running, runtime, service

DB = ResourceName("db")
DOWN_TO_WEB = ("down",) * 7


async def test_a_person_sees_which_service_is_broken_and_why():
    async with showing(samples.crashing(), samples.log()) as screen:
        assert "1 broken" in screen.lines[0]
        assert screen.row("catalog").startswith("  ✖ catalog")
        assert "FileNotFoundError: [Errno 2] No such file or directory: 'frut.txt'" in screen.text


async def test_a_row_with_trouble_expands_by_itself_and_folds_when_it_is_well_again():
    async with showing() as screen:
        assert "error" not in screen.text
        await screen.put(*samples.crashing())
        assert "back-off 10s" in screen.text
        await screen.put(*samples.shop())
        assert "    error " not in screen.text
        assert screen.row("catalog").startswith("  ● catalog")


async def test_what_the_person_chose_holds():
    async with showing(samples.crashing()) as screen:
        await screen.press("down", "left")
        assert "    error " not in screen.text
        await screen.put(*samples.shop())
        await screen.put(*samples.crashing())
        assert "    error " not in screen.text
        await screen.press("right")
        assert "    error " in screen.text


@pytest.mark.parametrize(
    "keys", [("down",), ("j",), ("down", "down", "up"), ("j", "j", "k"), ("end", "home", "down", "j")]
)
async def test_keys_select_a_row(keys):
    async with showing() as screen:
        await screen.press(*keys)
        assert screen.selected == "catalog"


@pytest.mark.parametrize("key", ["space", "t"])
async def test_a_row_is_updated(key):
    async with showing() as screen:
        await screen.press(key)
        assert screen.session.asked == [TriggerRequest(name=DB)]


async def test_a_refusal_is_shown():
    async with showing() as screen:
        screen.session.refusal = 'resource "db" is currently disabled'
        await screen.press("t")
        assert await screen.until("currently")


async def test_a_resource_is_switched_off_at_once_and_that_is_taken_back():
    async with showing() as screen:
        await screen.press("d")
        assert screen.session.asked == [Enable(names=(DB,), enabled=False)]
        assert await screen.until("db: disabled; z takes it back")
        await screen.put(service("db", 1, labels=("backend",), enabled=False))
        assert "e enable" in screen.lines[-1]
        assert "z undo" in screen.lines[-1]
        await screen.press("z")
        assert screen.session.asked[1:] == [Enable(names=(DB,), enabled=True)]


async def test_a_group_is_switched_off_after_a_question_and_exactly_that_is_taken_back():
    catalog, cart = ResourceName("catalog"), ResourceName("cart")
    off = service("db", 1, labels=("backend",), enabled=False)
    async with showing(changed(samples.shop(), off)) as screen:
        await screen.press("up")
        assert "d disable" in screen.lines[-1]
        await screen.press("d")
        assert "disable all of backend?" in screen.text
        assert "catalog, cart will stop" in screen.text
        await screen.press("n")
        assert screen.session.asked == []
        await screen.press("d", "y")
        assert screen.session.asked == [Enable(names=(catalog, cart), enabled=False)]
        both = (service(name, 2, labels=("backend",), enabled=False) for name in (catalog, cart))
        await screen.put(*both)
        assert "e enable" in screen.lines[-1]
        assert "d disable" not in screen.lines[-1]
        await screen.press("z")
        assert screen.session.asked[1:] == [Enable(names=(catalog, cart), enabled=True)]


async def test_a_group_is_switched_on_at_once():
    off = [service(name, 1, labels=("backend",), enabled=False) for name in ("db", "cart")]
    async with showing(changed(samples.shop(), *off)) as screen:
        await screen.press("up", "up", "up", "e")
        assert screen.session.asked == [Enable(names=(DB, ResourceName("cart")), enabled=True)]


@pytest.mark.parametrize("key", ["b", "B"])
async def test_the_only_endpoint_is_opened_at_once(key):
    async with showing() as screen:
        await screen.press(*["down"] * 5, key)
        assert screen.opened == ["http://localhost:8300/"]


async def test_of_several_endpoints_one_is_chosen():
    async with showing() as screen:
        await screen.press(*DOWN_TO_WEB, "B", "j", "enter")
        assert screen.opened == ["http://localhost:8200/style.css"]


async def test_a_row_without_endpoints_says_so():
    async with showing() as screen:
        await screen.press("b")
        assert await screen.until("no urls for resource 'db'")
        assert screen.opened == []


@pytest.mark.parametrize("key", ["q", "Q", "escape"])
async def test_a_pop_up_is_closed_before_anything_is_left(key):
    async with showing() as screen:
        await screen.press("question_mark")
        assert "select the row above" in screen.text
        await screen.press(key)
        assert "select the row above" not in screen.text
        assert screen.hud.is_running


@pytest.mark.parametrize("key", ["q", "Q", "ctrl+c"])
async def test_it_is_left(key):
    async with showing(owns_session=True) as screen:
        await screen.hit(key)
        await screen.pilot.pause(0)
        assert screen.hud._exit


async def test_it_asks_before_an_update_is_cut_off():
    objects = changed(samples.shop(), service("db", 1, current=(running(2, seconds=3),)))
    async with showing(objects, owns_session=True) as screen:
        await screen.press("q")
        assert "An update of db will be cut off." in screen.text
        await screen.press("n")
        assert "cut off" not in screen.text
        await screen.press("q")
        await screen.hit("y")
        await screen.pilot.pause(0)
        assert screen.hud._exit


async def test_the_log_of_one_row_takes_the_whole_screen_and_gives_it_back():
    async with showing(samples.crashing(), samples.log()) as screen:
        await screen.press("down", "enter")
        assert "LOG: catalog" in screen.text
        assert "GET /style.css" not in screen.text
        assert "RESOURCE" not in screen.text
        await screen.press("q")
        assert "RESOURCE" in screen.text
        assert "LOG: catalog" not in screen.text
        assert screen.hud.is_running


async def test_the_log_shows_builds_or_what_runs():
    async with showing(samples.shop(), samples.log()) as screen:
        await screen.press("x", "2")
        assert "STEP 1/3" in screen.text
        assert "FileNotFoundError" not in screen.text
        await screen.press("3")
        assert "STEP 1/3" not in screen.text
        assert "FileNotFoundError" in screen.text
        await screen.press("1")
        assert "STEP 1/3" in screen.text


async def test_warnings_are_shown_with_the_errors():
    said = [
        samples.line(0, "web", "1 File Changed: [web/style.css]", build=True, start=True),
        samples.line(1, "web", "it is slow", level=Level.WARN),
        samples.line(2, "web", "it is broken", level=Level.ERROR),
    ]
    async with showing(samples.shop(), said) as screen:
        await screen.press("v")
        assert "warnings and errors" in screen.text
        assert "it is slow" in screen.text
        assert "it is broken" in screen.text
        assert "1 File Changed" not in screen.text


async def test_levels_are_gone_through():
    async with showing(samples.shop(), samples.log()) as screen:
        await screen.press("v", "v")
        assert "errors only" in screen.text
        assert "FileNotFoundError" in screen.text
        assert "cluster answers again" not in screen.text
        assert "1 File Changed" not in screen.text
        await screen.press("v")
        assert "cluster answers again" in screen.text


async def test_the_log_of_the_selected_row_follows_the_selection():
    async with showing(samples.shop(), samples.log()) as screen:
        await screen.press("s")
        assert "LOG: db" in screen.text
        await screen.press("down")
        assert "LOG: catalog" in screen.text
        await screen.press("s")
        assert "LOG:" not in screen.text


async def test_new_lines_are_followed_and_reading_stops_that():
    lines = [samples.line(number, "web", f"line {number}") for number in range(300)]
    async with showing(samples.shop(), lines) as screen:
        await screen.press("tab", "pageup")
        assert "scrolled back" in screen.text
        first = screen.lines[-8:-1]
        screen.session.say(samples.line(300, "web", "the newest"))
        await screen.settle()
        assert screen.lines[-8:-1] == first
        await screen.press("end")
        assert "following" in screen.text


async def test_the_end_of_the_log_is_reached_from_the_rows_too():
    lines = [samples.line(number, "web", f"line {number}.") for number in range(300)]
    async with showing(samples.shop(), lines) as screen:
        await screen.press("tab", "pageup", "tab")
        assert "scrolled back" in screen.text
        await screen.press("end")
        assert "following" in screen.text
        assert "line 299." in screen.text
        assert screen.selected == "(Tiltfile)"


async def test_the_whole_stored_log_is_read_page_by_page_and_never_held():
    lines = [samples.line(number, "web", f"line {number}.") for number in range(9000)]
    async with showing(samples.shop(), lines) as screen:
        await screen.press("x")
        while not any("line 0." in line for line in screen.lines):
            await screen.press("home")
        assert len(screen.hud.pane.view.window.lines) <= 4000
        await screen.press("end")
        assert "line 8999." in screen.text


async def test_a_search_goes_through_all_that_is_stored():
    lines = [samples.line(0, "web", "the needle"), *(samples.line(n, "web", f"hay {n}") for n in range(1, 3000))]
    async with showing(samples.shop(), lines) as screen:
        await screen.press("slash", *"needle", "enter")
        assert await screen.until("the needle")
        assert "scrolled back" in screen.text
        await screen.press("escape")
        assert '"needle"' not in screen.text
        assert "following" in screen.text
        assert await screen.until("hay 2999")


async def test_the_next_and_the_previous_line_are_found():
    async with showing(samples.shop(), samples.log()) as screen:
        view = screen.hud.pane.view
        await screen.press("slash", *"frut", "enter")
        assert view.at == 14
        await screen.press("N")
        assert view.at == 13
        await screen.press("n")
        assert view.at == 14


async def test_rows_are_filtered():
    async with showing(samples.crashing()) as screen:
        await screen.press("f", "down", "enter")
        assert screen.hud.table.seen == ["catalog"]
        await screen.press("f", "end", "enter", *"web", "enter")
        assert screen.hud.table.seen == []
        assert 'no resource is unhealthy "web"' in screen.text
        await screen.press("f", "enter")
        assert len(screen.hud.table.seen) == 7


async def test_of_many_rows_the_broken_ones_are_gone_through():
    async with showing(samples.many(120)) as screen:
        await screen.press("u")
        assert screen.selected == "service-050"
        assert screen.row("service-050").startswith("▼ ✖") or "✖ service-050" in screen.text
        await screen.press("u")
        assert screen.selected == "service-100"
        await screen.press("u")
        assert screen.selected == "service-050"


async def test_arguments_are_asked_for():
    async with showing() as screen:
        await screen.press("r", *"--debug 'a b'", "enter")
        assert screen.session.asked == [Arguments(args=("--debug", "a b"))]


async def test_what_waits_for_what_is_a_tree():
    async with showing(samples.crashing()) as screen:
        await screen.press("g")
        assert "└─ ✖ catalog" in screen.text


async def test_the_palette_finds_a_resource():
    async with showing() as screen:
        await screen.press("p", *"go to web")
        assert await screen.until("go to web")
        await screen.press("enter")
        assert screen.selected == "web"


async def test_green_to_red_and_back_is_reported_unless_it_is_muted():
    async with showing(notify=Notify.DESKTOP) as screen:
        await screen.put(*samples.crashing())
        assert screen.seen == [("✖ catalog is broken", "back-off 10s restarting failed container catalog")]
        await screen.put(*samples.shop())
        assert screen.seen[-1] == ("● catalog is well again", "")
        await screen.press("down", "m")
        await screen.put(*samples.crashing())
        assert len(screen.seen) == 2


async def test_a_session_that_does_not_answer_is_reported_and_tried_again():
    async with showing() as screen:
        screen.session.down = "no session answers at localhost:10350"
        await screen.put(runtime("db", RuntimeStatus.PENDING))
        assert "no session answers at localhost:10350; trying again" in screen.lines[0]


@pytest.mark.parametrize("why", ["owns_session", "has_ended"])
async def test_with_its_own_session_it_ends_and_with_one_that_has_ended(why):
    async with showing(owns_session=why == "owns_session", has_ended=why == "has_ended") as screen:
        screen.session.down = "the session has ended"
        await screen.put(runtime("db", RuntimeStatus.PENDING))
        assert screen.hud._exit


async def test_groups_fold_by_key_and_by_mouse():
    async with showing() as screen:
        await screen.press("up", "enter")
        assert screen.hud.table.seen == ["lint", "docs", "web", "(Tiltfile)"]
        await screen.pilot.click("#table", offset=(6, 0))
        await screen.settle()
        assert "db" in screen.hud.table.seen


async def test_a_click_selects_and_a_link_opens():
    async with showing(size=(130, 30)) as screen:
        y = next(number for number, line in enumerate(screen.lines) if " web " in line)
        x = screen.lines[y].index(":8200")
        await screen.pilot.click(offset=(6, y))
        await screen.settle()
        assert screen.selected == "web"
        await screen.pilot.click(offset=(x, y))
        await screen.settle()
        assert screen.opened == ["http://localhost:8200/"]


async def test_the_keys_at_the_bottom_are_those_that_work_now():
    async with showing() as screen:
        assert "b open" not in screen.lines[-1]
        await screen.press(*DOWN_TO_WEB)
        assert "b open" in screen.lines[-1]
        await screen.press("enter")
        assert "close log" in screen.lines[-1]
        assert "update" not in screen.lines[-1]


async def test_the_terminal_may_change_its_size():
    async with showing(samples.crashing(), samples.log(), size=(140, 40)) as screen:
        assert "ENDPOINTS" in screen.lines[1]
        await screen.pilot.resize_terminal(80, 24)
        await screen.settle()
        assert len(screen.lines) == 24
        assert "ENDPOINTS" not in screen.lines[1]
        assert all(len(line) <= 80 for line in screen.lines)


async def test_what_is_seen_of_the_log_is_copied():
    async with showing(samples.shop(), samples.log()) as screen:
        await screen.press("y")
        assert "FileNotFoundError" in screen.hud.clipboard


async def test_what_the_mouse_selected_of_the_log_is_copied():
    async with showing(samples.shop(), samples.log()) as screen:
        y = next(number for number, line in enumerate(screen.lines) if "fruit = load" in line)
        await screen.pilot.mouse_down(offset=(20, y))
        await screen.pilot.hover(offset=(30, y + 1))
        await screen.pilot.mouse_up(offset=(30, y + 1))
        await screen.press("y")
        assert screen.hud.clipboard.startswith('fruit = load("frut.txt")\n')
        assert screen.hud.clipboard.endswith("│ FileNotFoundErr")


def button(name: str, at: str = "db", **spec: object) -> UIButton:
    """A button of a resource; of the session when `at` is empty."""
    kind, place = ("Resource", at) if at else ("Global", "nav")
    where = UIComponentLocation(component_id=place, component_type=kind)
    return UIButton(name=name, spec=UIButtonSpec(**{"location": where, "text": name.title(), **spec}))  # type: ignore[arg-type]  # as each is


async def test_the_only_button_of_a_row_is_pressed_at_once():
    async with showing([*samples.shop(), button("seed")]) as screen:
        assert "a buttons" in screen.lines[-1]
        await screen.press("a")
        (click,) = screen.session.asked
        assert isinstance(click, Click)
        assert (click.button, click.at, click.inputs) == ("seed", samples.ago(0), ())
        await screen.press("right")
        assert "[Seed]" in screen.text


async def test_the_inputs_of_a_button_are_asked_for_and_it_asks_again_before_it_acts():
    inputs = (
        UIInputSpec(name="WHO", label="Who?", text=UITextInputSpec(default_value="you")),
        UIInputSpec(name="LOUD", bool=UIBoolInputSpec(default_value=False)),
        UIInputSpec(name="COLOR", choice=UIChoiceInputSpec(choices=("red", "blue"))),
        UIInputSpec(name="KEY", hidden=UIHiddenInputSpec(value="k")),
    )
    wanted = button("greet", inputs=inputs, requires_confirmation=True)
    async with showing([*samples.shop(), wanted, button("open", "", disabled=True)]) as screen:
        await screen.press("a")
        assert await screen.until("Open (disabled)")
        await screen.press("enter")
        assert await screen.until("Who?")
        assert "KEY" not in screen.text
        await screen.press("!", "tab", "space", "tab", "space", "down", "enter", "enter")
        assert await screen.until("press `Greet`?")
        assert screen.session.asked == []
        await screen.press("y")
        (click,) = screen.session.asked
        assert isinstance(click, Click)
        given = {each.name: each for each in click.inputs}
        assert given["WHO"].text == UITextInputStatus(value="!")  # what is typed first replaces the default
        assert given["LOUD"].bool == UIBoolInputStatus(value=True)
        assert given["COLOR"].choice == UIChoiceInputStatus(value="blue")
        assert given["KEY"].hidden == UIHiddenInputStatus(value="k")


async def test_a_form_that_is_closed_and_a_button_that_is_disabled_press_nothing():
    asks = button("greet", inputs=(UIInputSpec(name="WHO", text=UITextInputSpec()),))
    async with showing([*samples.shop(), asks]) as screen:
        await screen.press("a", "escape")
        await screen.put(replace(asks, spec=replace(asks.spec, disabled=True)))
        await screen.press("a")
        assert await screen.until("`Greet` is disabled")
        assert screen.session.asked == []
