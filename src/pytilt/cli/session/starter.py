"""A Tiltfile to begin with, for a folder that has none."""

import sys
from pathlib import Path

from pytilt.cli.terminal.printing import note
from pytilt.errors import UserError

STARTER = """\
# What this project consists of, and how it is built and run. `tilt up` reads this file, again whenever it is saved.
# docs: https://docs.tilt.dev/api.html

print('Hello from the Tiltfile')
local_resource('hello', cmd='echo "It works: edit the Tiltfile, and save it"')

# An image: what is in the folder is built by its Dockerfile, and again when a file changes.
#
# docker_build(
#     'example/web',                    # the name that your YAML has
#     context='.',
#     live_update=[                     # saved files go straight into the running container
#         sync('./src', '/app/src'),
#         run('pip install -r /app/requirements.txt', trigger=['requirements.txt']),
#     ],
# )

# Objects for the cluster: YAML, a Helm chart or a kustomization.
#
# k8s_yaml(['k8s/web.yaml'])
# k8s_yaml(helm('./charts/web'))
# k8s_yaml(kustomize('./deploy'))

# What is to be done with them beside: ports of this machine, labels, what has to be there before.
#
# k8s_resource('web', port_forwards=['8000:80'], labels=['frontend'], resource_deps=['database'])

# Commands of this machine: one that ends, and one that goes on.
#
# local_resource('tests', cmd='make test', deps=['src', 'tests'])
# local_resource('site', serve_cmd='python3 -m http.server 8080', links=['http://localhost:8080'])

# Services of Docker Compose.
#
# docker_compose('compose.yaml')

# Code that others have written: https://github.com/tilt-dev/tilt-extensions
#
# load('ext://git_resource', 'git_checkout')

# Arguments: `tilt up -- --greeting=hi`.
#
# config.define_string('greeting')
# print(config.parse().get('greeting', 'hello'))
"""


def offer_starter(tiltfile: str) -> None:
    """Ask the person in a terminal whether to write a Tiltfile where there is none; else say nothing.

    Args:
        tiltfile: its path.

    Raises:
        UserError: it cannot be written.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    path = Path(tiltfile).absolute()
    if path.exists() or not path.parent.is_dir():
        return
    print(f"There is no Tiltfile at {path}.", flush=True)
    if not input("Create a starter Tiltfile? (y/n) ").strip().lower().startswith("y"):
        return
    try:
        path.write_text(STARTER)
    except OSError as problem:
        raise UserError(
            f"cannot be written: {(problem.strerror or str(problem)).lower()}", where=str(path)
        ) from problem
    note(f"{path} is there now: what is commented out in it shows what it can do")
