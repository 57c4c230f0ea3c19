"""Every kind of symbolic link below a `sync`, in real containers, with the helper and with the container's shell."""

import shutil
from pathlib import Path

from tests.end_to_end.sessions import served
from tests.end_to_end.texts import deployment

CONTAINER = "{name: NAME, image: links/NAME, ports: [{containerPort: 8000}]}"
DOCKERFILE = """
    FROM busybox
    COPY list /www/cgi-bin/list
    COPY src /app
    CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
    """
LIST = """#!/bin/sh
    echo; cd /app
    find . -type l | sort | while read f; do echo "${f#./} -> $(readlink "$f")"; done
    find . -type f | sort | while read f; do echo "${f#./} = $(cat "$f")"; done
    """
TILTFILE = """
    live = [sync('src', '/app', follow_symlinks=True)]
    docker_build('links/helper', '.', only=['src', 'list'], live_update=live)
    docker_build('links/shell', '.', only=['src', 'list'], live_update=live, synclet='off')
    k8s_yaml(['helper.yaml', 'shell.yaml'])
    k8s_resource('helper', port_forwards='{helper}:8000')
    k8s_resource('shell', port_forwards='{shell}:8000')
    """
LINKS = {
    "relative": "../lib/conf",
    "absolute": "{root}/lib/conf",
    "inside": "main",
    "first": "second",
    "second": "../lib/conf",
    "folder": "{outside}",
    "later": "../lib/later",
    "self": "self",
    "up": "..",
}


def test_links_are_followed_where_the_sync_says_so_whatever_they_lead_to(tilt_on_engine, new_port, tmp_path):
    ports = {"helper": new_port(), "shell": new_port()}
    tilt = tilt_on_engine(
        {
            "Dockerfile": DOCKERFILE,
            "list": LIST,
            **{f"{name}.yaml": deployment(CONTAINER.replace("NAME", name), name=name) for name in ports},
            "Tiltfile": TILTFILE.format(**ports),
            "src/main": "one",
            "lib/conf": "v1",
        }
    )
    root, outside = tilt.project.root, tmp_path / "outside"
    (root / "list").chmod(0o755)
    save(outside / "x", "1")
    save(outside / "deep/y", "2")
    link(outside / "inner", "x")
    for name, text in LINKS.items():
        link(root / "src" / name, text.format(root=root, outside=outside))
    plain = ["main = one"]
    endless = ["self -> self", "up -> .."]
    folder = ["folder/deep/y = 2", "folder/inner = 1", "folder/x = 1"]
    conf = [f"{name} = v1" for name in ("absolute", "first", "relative", "second")]

    with tilt.up() as session:

        def is_there(*lines: str) -> None:
            wanted = sorted(lines)
            for port in ports.values():
                session.until(lambda port=port: listed(port) == wanted, f"{wanted} instead of {listed(port)}")

        session.settles("helper", "shell")
        container = session.container("helper")
        is_there(*plain, *endless, *folder, *conf, "inside = one", "later -> ../lib/later")
        save(root / "lib/conf", "v2")
        save(outside / "deep/new", "3")
        save(root / "lib/later", "come")
        conf = [each.replace("v1", "v2") for each in conf]
        is_there(*plain, *endless, *folder, "folder/deep/new = 3", *conf, "inside = one", "later = come")
        save(root / "src/main", "two")
        (root / "lib/later").unlink()
        shutil.rmtree(outside / "deep")
        plain, folder = ["main = two"], folder[1:]
        is_there(*plain, *endless, *folder, *conf, "inside = two", "later -> ../lib/later")
        link(root / "src/folder", "../lib")
        (root / "src/inside").unlink()
        save(root / "src/inside", "a file now")
        link(root / "src/later", "main")
        is_there(*plain, *endless, "folder/conf = v2", *conf, "inside = a file now", "later = two")
        (root / "src/folder").unlink()
        (root / "src/absolute").unlink()
        is_there(*plain, *endless, *conf[1:], "inside = a file now", "later = two")
        session.settles("helper", "shell")
        assert session.container("helper") == container
        assert set(session.strategies("helper")[1:]) == {"live"}


def listed(port: int) -> list[str]:
    return sorted(served(port, "/cgi-bin/list").split("\n")[:-1])


def save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def link(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(text)
