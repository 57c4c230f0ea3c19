import asyncio

from pytilt.loop.updates.debouncing import AT_MOST, Debouncing
from pytilt.model.names import ResourceName
from pytilt.model.objects import FileWatch, FileWatchStatus
from pytilt.store.objects import Store
from tests.loop.declaring import local, prepare
from tests.virtual_time import virtual_time

A = ResourceName("a")


def change(store: Store, sequence: int) -> None:
    store.put(FileWatch(name=A, status=FileWatchStatus(changes={"/p/a/x": sequence}, latest=sequence)))


@virtual_time
async def test_files_are_quiet_when_nothing_has_changed_for_as_long_as_is_asked():
    store, loop = Store(), asyncio.get_running_loop()
    prepare(store, local("a", debounce_seconds=2.0))
    found: list[tuple[str, int, float]] = []
    began = loop.time()
    debouncing = Debouncing(store, lambda name, sequence: found.append((name, sequence, loop.time() - began)))
    change(store, 1)
    debouncing.wait(A)
    await asyncio.sleep(1)
    debouncing.wait(A)  # nothing new
    change(store, 2)
    debouncing.wait(A)
    await asyncio.sleep(5)
    assert found == [("a", 2, 3.0)]
    for sequence in range(3, 3 + 2 * AT_MOST):
        change(store, sequence)
        debouncing.wait(A)
        await asyncio.sleep(1)
    debouncing.close()
    await asyncio.sleep(60)
    assert [at for _, _, at in found] == [3.0, 6.0 + AT_MOST * 2.0]
