import pytest

from pytilt.liveupdate.planning import ChangedFile, FallBack, FileKind, SyncedFile, SyncPlan, plan_initial, plan_sync
from pytilt.model.files import Ignore
from pytilt.model.images import LiveUpdate, Run, Sync

RULES = LiveUpdate(
    fall_back_on=("/shop/package.json", "/shop/conf"),
    syncs=(
        Sync(local="/shop/src/special", remote="/special"),
        Sync(local="/shop/src", remote="/app"),
        Sync(local="/shop/main.py", remote="/app/bin/"),
        Sync(local="/shop/run.sh", remote="/app/start"),
        Sync(local="/shop/static", remote="/var/www/"),
        Sync(local="/shop", remote="/rest"),
    ),
    runs=(
        Run(argv=("always",)),
        Run(argv=("pip",), triggers=(Ignore(base="/shop", patterns=("src/requirements.txt", "**/*.lock")),)),
    ),
)


def steps(*paths, **gone):
    missing = gone.get("gone", ())
    files = [ChangedFile(path=path, kind=FileKind.GONE if path in missing else FileKind.FILE) for path in paths]
    found = plan_sync(files, RULES)
    assert isinstance(found, SyncPlan)
    return found


def reason(*paths, rules=RULES):
    found = plan_sync([ChangedFile(path=path) for path in paths], rules)
    assert isinstance(found, FallBack)
    return found.reason


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        ("/shop/src/a.py", ["/app/a.py", "/rest/src/a.py"]),
        ("/shop/src/deep/er/a.py", ["/app/deep/er/a.py", "/rest/src/deep/er/a.py"]),
        ("/shop/src/special/x", ["/special/x", "/app/special/x", "/rest/src/special/x"]),
        ("/shop/src/special2/x", ["/app/special2/x", "/rest/src/special2/x"]),
        ("/shop/main.py", ["/app/bin/main.py", "/rest/main.py"]),
        ("/shop/run.sh", ["/app/start", "/rest/run.sh"]),
        ("/shop/static/i.html", ["/var/www/i.html", "/rest/static/i.html"]),
        ("/shop/other", ["/rest/other"]),
    ],
)
def test_every_sync_that_contains_a_file_says_where_it_goes(local, remote):
    assert steps(local).copies == tuple(SyncedFile(local=local, remote=each) for each in remote)
    gone = steps(local, gone={local})
    assert [file.remote for file in gone.deletions] == remote


def test_syncs_that_bring_a_file_to_the_same_place_bring_it_once():
    rules = LiveUpdate(syncs=(Sync(local="/shop/a.py", remote="/app/"), Sync(local="/shop", remote="/app")))
    found = plan_sync([ChangedFile(path="/shop/a.py")], rules)
    assert isinstance(found, SyncPlan)
    assert [file.remote for file in found.copies] == ["/app/a.py"]


def test_instead_of_what_is_below_a_link_the_link_is_brought():
    link = ChangedFile(path="/shop/src/dir", kind=FileKind.LINK)
    rules = LiveUpdate(syncs=(Sync(local="/shop", remote="/all"), Sync(local="/shop/src/dir", remote="/dir")))
    found = plan_sync([ChangedFile(path="/shop/src/dir/a", above=(link,))], rules)
    assert isinstance(found, SyncPlan)
    assert found.copies == (
        SyncedFile(local="/shop/src/dir", remote="/all/src/dir"),
        SyncedFile(local="/shop/src/dir/a", remote="/dir/a"),
    )


def test_a_source_that_is_a_link_to_a_directory_means_the_directory():
    link = ChangedFile(path="/shop/static", kind=FileKind.LINK, leads_to_directory=True)
    found = plan_sync([link], RULES)
    assert isinstance(found, SyncPlan)
    assert found.copies == (
        SyncedFile(local="/shop/static/.", remote="/var/www"),
        SyncedFile(local="/shop/static", remote="/rest/static"),
    )


def test_instead_of_what_is_below_a_directory_that_is_gone_the_directory_is_deleted():
    gone = ChangedFile(path="/shop/src/dir", kind=FileKind.GONE)
    files = [ChangedFile(path=f"/shop/src/dir/{name}", kind=FileKind.GONE, above=(gone,)) for name in "ab"]
    found = plan_sync(files, LiveUpdate(syncs=(Sync(local="/shop", remote="/all"),)))
    assert isinstance(found, SyncPlan)
    assert (found.copies, [file.remote for file in found.deletions]) == ((), ["/all/src/dir"])


def test_a_directory_itself_goes_to_the_remote_path_whatever_its_last_character():
    found = plan_sync([ChangedFile(path="/shop/static", kind=FileKind.DIRECTORY)], RULES)
    assert isinstance(found, SyncPlan)
    assert found.copies[0].remote == "/var/www"


def test_a_file_in_the_root_of_the_machine_is_covered_by_its_root():
    found = plan_sync([ChangedFile(path="/a/b")], LiveUpdate(syncs=(Sync(local="/", remote="/all"),)))
    assert isinstance(found, SyncPlan)
    assert found.copies[0].remote == "/all/a/b"


def test_what_is_gone_is_deleted_and_the_rest_is_copied_in_order():
    found = steps("/shop/b", "/shop/c", "/shop/a", gone={"/shop/c"})
    assert [file.remote for file in found.copies] == ["/rest/a", "/rest/b"]
    assert [file.remote for file in found.deletions] == ["/rest/c"]


def test_deleting_a_synced_file_never_deletes_the_directory_it_was_copied_to():
    assert steps("/shop/main.py", gone={"/shop/main.py"}).deletions[0].remote == "/app/bin/main.py"


def test_the_root_of_a_container_is_never_deleted():
    rules = LiveUpdate(syncs=(Sync(local="/shop/image", remote="/."),))
    found = plan_sync([ChangedFile(path="/shop/image", kind=FileKind.GONE)], rules)
    assert isinstance(found, FallBack)
    assert "root of the container" in found.reason


def test_commands_run_if_they_have_no_trigger_or_if_a_synced_file_is_one():
    assert [run.argv for run in steps("/shop/src/a.py").runs] == [("always",)]
    assert [run.argv for run in steps("/shop/src/a.py", "/shop/src/requirements.txt").runs] == [("always",), ("pip",)]
    assert len(steps("/shop/src/x/y.lock", gone={"/shop/src/x/y.lock"}).runs) == 2


def test_a_file_that_no_sync_contains_asks_for_a_full_update():
    rules = LiveUpdate(syncs=(Sync(local="/shop/src", remote="/app"),))
    assert reason("/shop/b", "/shop/src/a", "/shop/a", rules=rules) == (
        "Found file(s) not matching any sync (files: [/shop/a /shop/b])"
    )
    many = [f"/x/{number}" for number in range(7)]
    assert reason(*many, rules=rules).endswith("(files: [/x/0 /x/1 /x/2 /x/3 /x/4 ...])")


def test_where_files_are_mounted_what_a_trigger_names_only_runs_its_command():
    trigger = Ignore(base="/shop", patterns=("src",))
    runs = (Run(argv=("make",), triggers=(trigger,)), Run(argv=("always",)))
    found = plan_sync([ChangedFile(path="/shop/src/a")], LiveUpdate(runs=runs, mounted=True))
    assert found == SyncPlan(runs=runs)
    assert reason("/shop/src/a", "/shop/b", rules=LiveUpdate(runs=runs, mounted=True)).endswith("(files: [/shop/b])")
    assert reason("/shop/src/a", rules=LiveUpdate(runs=runs)).endswith("(files: [/shop/src/a])")


def test_a_stop_file_or_anything_below_a_stop_directory_asks_for_a_full_update():
    assert reason("/shop/src/a.py", "/shop/package.json") == 'Detected change to stop file "/shop/package.json"'
    assert reason("/shop/conf/x/y") == 'Detected change to stop file "/shop/conf/x/y"'
    assert steps("/shop/conf.d")
    stopped = LiveUpdate(syncs=(Sync(local="/shop/src", remote="/app"),), fall_back_on=("/shop/go.mod",))
    assert reason("/shop/go.mod", "/shop/src/a", rules=stopped) == 'Detected change to stop file "/shop/go.mod"'
    assert reason("/shop/go.mod", "/shop/b", rules=stopped).endswith("(files: [/shop/b])")


def test_where_nothing_changed_no_command_runs():
    """A change may be one of another image in the same pod."""
    assert plan_sync([], RULES) == SyncPlan()


def test_an_initial_sync_copies_everything_even_stop_files_and_runs_by_the_same_rule():
    files = [SyncedFile(local="/shop/package.json", remote="/rest/package.json")]
    found = plan_initial(files, RULES)
    assert found.copies == tuple(files)
    assert [run.argv for run in found.runs] == [("always",)]
