import pytest

from pytilt.liveupdate.processes import blind_to, programs, reloader_of
from pytilt.model.inference import Process


def process(*argv: str, **environment: str) -> Process:
    return Process(container="web", argv=argv, environment=tuple(environment.items()), directory="/app")


SEEING = [
    (process("/docker-entrypoint.sh", "nginx", "-g", "daemon off;"), "nginx", "/usr/share/nginx/html/index.html"),
    (process("httpd-foreground"), "Apache", "/usr/local/apache2/htdocs/a.css"),
    (process("docker-php-entrypoint", "apache2-foreground"), "Apache", "/var/www/html/index.php"),
    (process("/bin/sh", "-c", "busybox httpd -f -p 8000"), "httpd", "/app/index.html"),
    (process("python3", "-u", "-m", "http.server", "8000"), "http.server", "/app/index.html"),
    (process("uvicorn", "main:app", "--reload"), "uvicorn --reload", "/app/pkg/main.py"),
    (process("python", "-m", "uvicorn", "main:app", "--reload", "--reload-dir=b"), "uvicorn --reload", "/app/b/a.py"),
    (process("poetry", "run", "uvicorn", "main:app", "--reload"), "uvicorn --reload", "/app/main.py"),
    (process("flask", "--app", "x", "run", "--debug"), "flask --debug", "/srv/x.py"),
    (process("flask", "run", FLASK_DEBUG="1"), "flask --debug", "/app/templates/a.html"),
    (process("sh", "-c", "FLASK_ENV=development exec flask run"), "flask --debug", "/app/x.py"),
    (process("python", "manage.py", "runserver", "0.0.0.0:80"), "manage.py runserver", "/app/shop/views.py"),
    (process("npx", "nodemon", "server.js"), "nodemon", "/app/data.json"),
    (process("nodemon", "-e", "ts,graphql", "x.ts"), "nodemon", "/app/schema.graphql"),
    (process("docker-entrypoint.sh", "node", "--watch", "x.mjs"), "node --watch", "/app/lib/y.mjs"),
    (process("/app/node_modules/.bin/vite", "--host"), "vite", "/app/src/App.vue"),
    (process("sh", "-c", "cd /app && exec yarn vite"), "vite", "/app/src/App.tsx"),
    (process("tini", "--", "air"), "air", "/app/main.go"),
    (process("dotnet", "watch", "run"), "dotnet watch", "/app/Program.cs"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "name", "path"), SEEING, ids=[" ".join(each[0].argv) for each in SEEING])
def test_what_reloads_by_itself_is_known(found: Process, name: str, path: str) -> None:
    reloader = reloader_of(found)
    assert reloader is not None
    assert reloader.name == name
    assert blind_to(found, path) == ""


BLIND = [
    process("python", "app.py"),
    process("node", "server.js"),
    process("uvicorn", "main:app"),
    process("flask", "run"),
    process("flask", "run", "--no-reload", FLASK_DEBUG="1"),
    process("python", "manage.py", "runserver", "--noreload"),
    process("vite", "build"),
    process("/app/serve"),
    process("./nginx"),
    process("sh", "-c", "cp -r /app /srv && exec busybox httpd -h /srv"),
    process("sh", "-c", "nginx; tail -f /log"),
    process("sh", "-c", "busybox httpd -f | cat"),
    process("sh", "-c", "'"),
    process("npm", "start"),
    process(),
]


@pytest.mark.parametrize("found", BLIND, ids=[" ".join(each.argv) for each in BLIND])
def test_of_anything_else_it_is_not_known(found: Process) -> None:
    assert reloader_of(found) is None
    assert "is not known to see changed files" in blind_to(found, "/app/index.html")


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (process("nginx"), "/etc/nginx/conf.d/a.json"),
        (process("nginx"), "/app/nginx.conf"),
        (process("caddy", "run", "--config", "conf.json"), "/app/conf.json"),
        (process("uvicorn", "a:b", "--reload"), "/app/config.yaml"),
        (process("uvicorn", "a:b", "--reload"), "/srv/other.py"),
        (process("uvicorn", "a:b", "--reload", "--reload-dir", "src"), "/app/b.py"),
        (process("vite"), "/app/vite.config.ts"),
        (process("nodemon", "x"), "/app/package.json"),
        (process("node", "--watch", "x"), "/app/data.json"),
    ],
)
def test_a_file_that_is_read_at_the_start_is_not_seen(found: Process, path: str) -> None:
    assert f"does not see changes of `{path}`" in blind_to(found, path)


def test_the_programs_in_front_are_named_too() -> None:
    assert programs(process("/docker-entrypoint.sh", "nginx")) == ("/docker-entrypoint.sh", "nginx")
