import re

from pytilt.model.names import session_id


def test_the_name_of_a_session_is_a_label_that_differs_for_every_folder_and_stays() -> None:
    paths = ["/a/shop/Tiltfile", "/b/shop/Tiltfile", "/a/shop/Tiltfile.dev", "/Tiltfile", "/x/Größe & Co!/Tiltfile"]
    names = [session_id(path) for path in (*paths, f"/x/{'long-' * 20}/Tiltfile")]
    assert len(set(names)) == len(names)
    assert names[0].startswith("shop-")
    assert names[:1] == [session_id(paths[0])]
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) and len(name) <= 31 for name in names)
