from pathlib import Path

import pytest

from pytilt.testing.project import Project
from pytilt.tiltfile.running.env_files import env_secrets, is_env_file
from tests.tiltfile.projects import secret

PEM = 'KEY="-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"'


@pytest.mark.parametrize(
    ("name", "expected"),
    [(".env", True), (".env.local", True), ("prod.env", True), ("/a/b.env", True), ("env", False), (".envrc", False)],
)
def test_a_file_of_variables_is_known_by_its_name(name: str, expected: bool):
    assert is_env_file(name) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("DB_PASSWORD=s3cr3t-pw", ["s3cr3t-pw"]),
        ("export API_KEY='k-123456'", ["k-123456"]),
        ('TOKEN: "a\\"b 1234"  ', ['a"b 1234']),
        ("SESSION_SECRET=abc123def # of the staging", ["abc123def"]),
        ("DATABASE_URL=postgres://me:pw%2F12345@db/shop", ["pw%2F12345", "pw/12345"]),
        (PEM, [PEM[5:-1]]),
        ("DB_PASSWORD=postgres", []),
        ("TOKEN_FILE=/run/secrets/token", []),
        ("AUTH_URL=https://auth.example.com", []),
        ("PORT=123456", []),
        ("# PASSWORD=not1this", []),
        ("PASSWORD=a1b2c", []),
    ],
)
def test_values_of_variables_whose_names_say_so_are_secret(line: str, expected: list[str]):
    found = env_secrets("/project/.env", f"A=b\n{line}\nC=d\n")
    assert sorted(value for value, _ in found) == sorted(expected)
    assert {shown.split(":")[0] for _, shown in found} <= {"[redacted .env"}


def test_what_a_tiltfile_prints_is_hidden_from_the_moment_it_is_known(tmp_path: Path):
    project = Project(
        tmp_path,
        {
            ".env": "DB_PASSWORD=s3cr3t-pw\nNAME=shop\n",
            "s.yaml": secret("s", "k", "hello-world-1"),
            "Tiltfile": "print(read_file('.env'))\nprint(str(read_yaml('s.yaml')))\nk8s_yaml('s.yaml')\n"
            "local('echo hello-world-1')\nwarn('s3cr3t-pw')\nfail('hello-world-1')\n",
        },
    )
    error = project.evaluate().error or ""
    for text in (project.log, error):
        assert "s3cr3t-pw" not in text
        assert "hello-world-1" not in text
    assert "DB_PASSWORD=[redacted .env:DB_PASSWORD]\nNAME=shop" in project.log
    assert "[redacted secret s:k]" in error
