"""Dockerfiles, edits of their build contexts, and what an inferred live update answers: files to sync, or a reason."""

from typing import NamedTuple

PAGE = {"index.html": "1", "src/a.py": "a", "src/lib/b.py": "b", "README.md": "r"}
"""The files of most cases."""


class Link(NamedTuple):
    """A symbolic link."""

    target: str


class Moded(NamedTuple):
    """A file with permissions of its own."""

    content: str
    mode: int


Entry = str | Link | Moded | None
"""What is at a path; None: nothing."""


class Case(NamedTuple):
    """A Dockerfile, and what happens to the files."""

    name: str
    dockerfile: str
    edits: dict[str, Entry]
    answer: str = ""
    """Part of the reason for a full build; empty: the files are synced."""
    files: dict[str, Entry] = {}  # noqa: RUF012 - nobody changes it
    """More of them than `PAGE`."""
    ignore: tuple[str, ...] = ()
    args: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    target: str = ""
    base: str = ""
    """The Dockerfile of an image called `below`, with the same context."""
    built: bool = True
    """Does every engine know its instructions, and do they show what no other case shows?"""


_B = "FROM busybox\n"
_E: dict[str, Entry] = {"index.html": "2"}
_S: dict[str, Entry] = {"src/lib/b.py": "b2"}

CASES = (
    # where a file goes
    Case("all into the root", "FROM scratch\nCOPY . /", _E),
    Case("all into a directory that is made", "FROM scratch\nCOPY . /app", _E),
    Case("all into the working directory", _B + "WORKDIR /app\nCOPY . .", _E),
    Case("working directories add up", _B + "WORKDIR /a\nWORKDIR b\nWORKDIR ../c\nCOPY . ./d/", _E),
    Case("ADD of a directory", _B + "WORKDIR /app\nADD . .", _S),
    Case("the content of a directory", "FROM scratch\nCOPY src /app", _S),
    Case("the content of a directory with slashes", "FROM scratch\nCOPY ./src/ /app/", _S),
    Case("one file into a directory", "FROM scratch\nCOPY index.html /www/", _E),
    Case("one file under another name", "FROM scratch\nCOPY index.html /www/start.html", _E),
    Case("one file over one of the base", _B + "COPY index.html /etc/passwd", _E),
    Case("one file into a directory of the base", _B + "COPY index.html /etc", _E, "a directory is there"),
    Case("one file into a directory known by then", _B + "WORKDIR /www\nCOPY index.html /www", _E),
    Case("one file into a directory copied before", "FROM scratch\nCOPY src /app\nCOPY index.html /app", _E),
    Case("one file beside a directory copied before", "FROM scratch\nCOPY src /app\nCOPY index.html /app/lib", _E),
    Case("several sources", _B + "COPY index.html README.md src /www/", {"README.md": "r2", "src/a.py": "a2"}),
    Case("several sources, one name", "FROM scratch\nCOPY . src /", {"a.py": "2"}, "to the same place",
         files={"a.py": "1"}),
    Case("a JSON list", 'FROM scratch\nCOPY ["a b.txt", "index.html", "/my dir/"]', {"a b.txt": "2"},
         files={"a b.txt": "1"}),
    Case("a glob", "FROM scratch\nCOPY *.html /www/", _E),
    Case("a glob of another name", "FROM scratch\nCOPY *.html /www/\nCOPY README.md /", {"README.md": "2"}),
    Case("a glob within a directory", "FROM scratch\nCOPY src/*.py /app/", {"src/a.py": "2"}),
    Case("a glob that matches directories", "FROM scratch\nCOPY s* /app/", _S),
    Case("a glob without a final slash", "FROM scratch\nCOPY *.html /www", _E, "end its destination with `/`"),
    Case("a question mark and a class", "FROM scratch\nCOPY [h-j]nde?.html /www/", _E),
    Case("one file to two places", _B + "COPY . /a/\nCOPY index.html /b/", _E),
    Case("continued lines and comments", "FROM scratch\nCOPY \\\n # why\n  index.html \\\n  /www/\n", _E),
    Case("lower case", "from scratch\ncopy . /app", _E),
    # variables
    Case("ENV", _B + "ENV HOME_DIR=/srv/app\nCOPY . $HOME_DIR", _E),
    Case("ENV of the base", _B + "ENV A=${PATH}\nWORKDIR /x\nCOPY . ${A:+y}", _E),
    Case("ARG with a default", _B + "ARG DIR=/d\nCOPY . ${DIR}/x/", _E),
    Case("ARG from the Tiltfile", _B + "ARG DIR=/d\nCOPY . ${DIR}", _E, args={"DIR": "/given"}),
    Case("ARG above FROM", "ARG B=busybox\nARG D=/top\nFROM $B\nARG D\nCOPY . $D", _E),
    Case("ENV and ARG", _B + "ENV D=/env\nARG D=/arg\nCOPY . $D", _E, "the value of `D`"),
    Case("a default in place", _B + "COPY . ${NOWHERE:-/fallback}/x", _E),
    Case("quotes and escapes", _B + "ENV A=\"/my dir\" B='$A'\nWORKDIR $A\nCOPY index.html ./\\$x/", _E),
    Case("a source by variable", _B + "ARG S=src\nCOPY $S /app", _S),
    Case("the builder's own ARG", _B + "ARG TARGETARCH\nCOPY . /app/$TARGETARCH/", _E, "the value of `TARGETARCH`"),
    # owner and permissions
    Case("chown by number", _B + "COPY --chown=7:8 . /app", _E),
    Case("chown by number, one only", _B + "COPY --chown=7 . /app", _E),
    Case("chown by name", _B + "COPY --chown=nobody:root . /app", _E),
    Case("chown by variable", _B + "ARG U=12\nCOPY --chown=$U:13 . /app/", _E),
    Case("chmod", _B + "COPY --chmod=640 . /app", {"src/lib/b.py": Moded("b", 0o777)}),
    Case("chmod of special permissions", _B + "COPY --chmod=640 . /app", {"src/a.py": Moded("b", 0o4755)},
         "depends on the builder"),
    Case("permissions of a file", "FROM scratch\nCOPY . /app", {"run.sh": Moded("2", 0o4750)},
         files={"run.sh": Moded("1", 0o600)}),
    Case("USER changes no owner", _B + "USER nobody\nCOPY . /app", _E),
    # what .dockerignore leaves out
    Case("an ignored file", "FROM scratch\nCOPY . /app", {"README.md": "2"}, "no `COPY`", ignore=("*.md",)),
    Case("an exception", "FROM scratch\nCOPY . /app", {"README.md": "2"}, ignore=("*.md", "!README.md")),
    Case("an ignored directory", "FROM scratch\nCOPY . /app", _S, "no `COPY`", ignore=("src/lib",)),
    Case("beside the ignored", "FROM scratch\nCOPY . /app", {"src/a.py": "2"}, ignore=("**/lib", "*.md")),
    Case("an exception below", "FROM scratch\nCOPY . /app", _S, ignore=("src", "!src/lib/b.py")),
    # new, gone, links
    Case("a new file", "FROM scratch\nCOPY . /app", {"new.txt": "n"}),
    Case("a new file in new directories", "FROM scratch\nCOPY src /app", {"src/x/y/z.py": "z"}),
    Case("a deleted file", "FROM scratch\nCOPY . /app", {"src/a.py": None}),
    Case("a deleted directory", "FROM scratch\nCOPY . /app", {"src/lib/b.py": None, "src/lib": None}),
    Case("a deleted file above a base", _B + "COPY . /app", {"src/a.py": None}, "`busybox` may have a file"),
    Case("a deleted file that is named", "FROM scratch\nCOPY index.html src /app/", {"index.html": None}, "names"),
    Case("a deleted file that covered another", "FROM scratch\nCOPY src /a\nCOPY . /a", {"a.py": None}, "another file",
         files={"a.py": "top"}),
    Case("a link", "FROM scratch\nCOPY . /app", {"src/l": Link("a.py")}, files={"src/l": Link("lib/b.py")}),
    Case("a link instead of a file", "FROM scratch\nCOPY . /app", {"src/a.py": Link("/nowhere")}),
    Case("a file instead of a link", "FROM scratch\nCOPY . /app", {"src/l": "now"}, files={"src/l": Link("a.py")}),
    Case("a link that is named", "FROM scratch\nCOPY l /app/", {"real": "2"}, "symbolic link `l`",
         files={"real": "1", "l": Link("real")}),
    Case("a link to a directory that is named", "FROM scratch\nCOPY l /a\nCOPY src /b", _S, "symbolic link `l`",
         files={"l": Link("src")}),
    Case("a link that a glob finds", "FROM scratch\nCOPY *.h /a/", {"a.h": "2"}, "symbolic link `b.h`",
         files={"a.h": "1", "b.h": Link("a.h")}),
    Case("names that are no ASCII", "FROM scratch\nCOPY . /app", {"ä\n ü.txt": "2"}, files={"ä\n ü.txt": "1"}),
    Case("a binary's size", "FROM scratch\nCOPY . /app", {"big": "x" * 300_000}, files={"big": "y" * 300_000}),
    # what comes later
    Case("covered by another file", "FROM scratch\nCOPY . /app\nCOPY README.md /app/index.html", _E, "no `COPY`"),
    Case("the file that covers", "FROM scratch\nCOPY . /app\nCOPY README.md /app/index.html", {"README.md": "2"}),
    Case("covered by a directory's file", "FROM scratch\nCOPY . /app\nCOPY src /app", {"a.py": "2"}, "no `COPY`",
         files={"a.py": "1"}),
    Case("not covered by a directory", "FROM scratch\nCOPY . /app\nCOPY src /app", _E),
    Case("copied twice, owned by the last", _B + "COPY --chown=5 index.html /app/\nCOPY --chown=6 . /app/", _E),
    Case("RUN before", _B + "RUN mkdir /app\nCOPY . /app/", _E),
    Case("RUN after", _B + "COPY . /app\nRUN ls /app", _E, "`RUN ls /app` (line 3) may read `index.html`"),
    Case("RUN between, of another file", _B + "WORKDIR /app\nCOPY README.md .\nRUN cat README.md\nCOPY . .", _E),
    Case("RUN between, of this file", _B + "WORKDIR /app\nCOPY README.md .\nRUN cat README.md\nCOPY . .",
         {"README.md": "2"}, "may read"),
    Case("a mount of the file", _B + "COPY . /app\nRUN --mount=type=bind,source=README.md,target=/r true\nCOPY . /app",
         {"index.html": "2"}, "may read"),
    Case("a mount before", _B + "RUN --mount=type=bind,source=README.md,target=/r cp /r /x\nCOPY . /app", _E),
    Case("a mount before, of this file", _B + "RUN --mount=source=README.md,target=/r cp /r /x\nCOPY . /app",
         {"README.md": "2"}, "reads `README.md`"),
    Case("VOLUME", _B + "VOLUME /data\nCOPY . /data/x", _E, "keeps what"),
    Case("VOLUME elsewhere", _B + "COPY . /app\nVOLUME /data", _E),
    Case("metadata after", _B + "COPY . /app\nENV X=1\nLABEL y=z\nEXPOSE 80\nUSER nobody\nCMD [\"x\"]", _E),
    # stages
    Case("a stage below", "FROM busybox AS one\nCOPY src /app\nFROM one\nCOPY index.html /app/", _S),
    Case("a stage that nobody needs", "FROM busybox AS one\nCOPY . /x\nRUN ls\nFROM scratch\nCOPY . /app", _E),
    Case("a stage that builds",
         "FROM busybox AS one\nCOPY src /s\nRUN cp -r /s /d\nFROM scratch\nCOPY --from=one /d /d\nCOPY index.html /",
         _S, "may read `b.py`"),
    Case("beside a stage that builds",
         "FROM busybox AS one\nCOPY src /s\nRUN cp -r /s /d\nFROM scratch\nCOPY --from=one /d /d\nCOPY index.html /",
         _E),
    Case("a stage that hands on",
         "FROM scratch AS one\nCOPY . /s\nFROM scratch\nCOPY --from=one /s/src /d\nCOPY index.html /", _S,
         "takes `b.py`"),
    Case("a stage that hands something else on",
         "FROM scratch AS one\nCOPY . /s\nFROM scratch\nCOPY --from=one /s/src /d\nCOPY index.html /", _E),
    Case("a later stage copies over",
         "FROM busybox AS one\nRUN mkdir /d\nFROM scratch\nCOPY . /d\nCOPY --from=one /d /d", _E, "may write where"),
    Case("a target", "FROM scratch AS one\nCOPY src /app\nFROM busybox\nRUN ls", _S, target="one"),
    Case("stages by number", "FROM scratch\nCOPY . /s\nFROM scratch\nCOPY --from=0 /s/README.md /\nCOPY index.html /",
         _E),
    # images that the Tiltfile builds
    Case("an image below", "FROM below\nCOPY index.html /app/", _S, base="FROM busybox\nCOPY src /app"),
    Case("RUN above an image below", "FROM below\nRUN ls /app", _S, "may read", base="FROM busybox\nCOPY src /app"),
    Case("ONBUILD of an image below", "FROM below\nCOPY README.md /", _S,
         base="FROM busybox\nWORKDIR /on\nONBUILD COPY src ./"),
    Case("ONBUILD that reads", "FROM below\nCOPY README.md /", _S, "may read",
         base="FROM busybox\nONBUILD COPY src /on/\nONBUILD RUN ls"),
    Case("ONBUILD of its own", _B + "COPY . /app\nONBUILD RUN ls", _E),
    # what is no plain copy
    Case("ADD of an archive", "FROM scratch\nADD a.tar.gz /app/\nCOPY . /x", {"a.tar.gz": "no archive any more"},
         "unpacks", files={"a.tar.gz": "1"}),
    Case("ADD of a file", "FROM scratch\nADD index.html /app/", _E),
    Case("a heredoc beside", "FROM scratch\nCOPY <<EOF /app/conf\nCOPY . /wrong\nEOF\nCOPY . /app/x", _E, built=False),
    Case("a heredoc over the file", "FROM scratch\nCOPY . /app\nCOPY <<EOF /app/index.html\nhi\nEOF\n", _E,
         "may write where", built=False),
    Case("link", _B + "COPY --link . /app", _E, built=False),
    Case("exclude", _B + "COPY --exclude=*.md . /app/", _E, built=False),
    Case("excluded", _B + "COPY --exclude=*.md . /app/", {"README.md": "2"}, "no `COPY`", built=False),
    Case("excluded, perhaps", _B + "COPY --exclude=lib src /app/", _S, "may leave out", built=False),
    Case("parents", _B + "COPY --parents src/a.py /app/", {"src/a.py": "2"}, "depends on `--parents`", built=False),
    Case("an unknown instruction", _B + "COPY . /app\nIMPORT x", _E, "is not known here", built=False),
    Case("another language", "# syntax=foo/bar\n" + _B + "COPY . /app", _E, "another language", built=False),
    # what real projects have
    Case("npm's order", _B + "WORKDIR /app\nCOPY package*.json ./\nRUN cat package.json\nCOPY . .", _E,
         files={"package.json": "{}", "package-lock.json": "{}"}),
    Case("npm's order, the file that is installed",
         _B + "WORKDIR /app\nCOPY package*.json ./\nRUN cat package.json\nCOPY . .", {"package-lock.json": "{2}"},
         "may read", files={"package.json": "{}", "package-lock.json": "{}"}),
    Case("a directory that npm makes, ignored", _B + "WORKDIR /app\nRUN mkdir -p node_modules/x\nCOPY . .",
         {"node_modules/x/y": "2"}, "no `COPY`", files={"node_modules/x/y": "1"}, ignore=("node_modules",)),
    Case("a user and what is theirs",
         _B + "RUN echo app:x:7:8::/:/bin/sh >>/etc/passwd; echo app:x:8: >>/etc/group\n"
         "USER app\nWORKDIR /home/app\nCOPY --chown=app:app . .", _E, built=False),
    Case("chown by a later RUN", _B + "COPY . /app\nRUN chown -R 1000 /app\nUSER 1000", _E, "may read"),
    Case("the usual syntax line", "# syntax=docker/dockerfile:1\n" + _B + "COPY . /app", _E, built=False),
    Case("another escape", "# escape=`\n" + _B + "COPY . `\n  /app/x/", _E, "another language", built=False),
    Case("for the machine that builds", "FROM --platform=$BUILDPLATFORM busybox AS b\nRUN mkdir /out\nFROM busybox\n"
         "COPY --from=b /out /out\nCOPY . /app", _E, built=False),
    Case("an address", _B + "ADD https://example.com/x.tar.gz /opt/\nCOPY . /app", _E, built=False),
    Case("an address over the file", _B + "COPY . /app\nADD https://example.com/index.html /app/", _E,
         "may write where", built=False),
    Case("a repository", _B + "ADD https://github.com/moby/buildkit.git#v0.14 /app/src\nCOPY . /app", _E, built=False),
    Case("another image's files", _B + "COPY --from=busybox /etc/passwd /etc/other\nCOPY . /app", _E, built=False),
    Case("a link within a directory", "FROM scratch\nCOPY . /app", {"real/x": "2"},
         files={"real/x": "1", "cur": Link("real")}, built=False),
    Case("below a link within a directory", "FROM scratch\nCOPY cur/ /app", {"real/x": "2"}, "symbolic link `cur`",
         files={"real/x": "1", "cur": Link("real")}),
    Case("a heredoc that runs", _B + "COPY . /app\nRUN <<EOF\ncat /app/index.html\nEOF\n", _E, "may read", built=False),
    Case("a heredoc that runs before", _B + "RUN <<EOF\nmkdir -p /app\nEOF\nCOPY . /app", _E, built=False),
    Case("SHELL, HEALTHCHECK, STOPSIGNAL", _B + "SHELL [\"/bin/sh\", \"-ec\"]\nHEALTHCHECK CMD true\n"
         "STOPSIGNAL SIGINT\nMAINTAINER me\nCOPY . /app", _E, built=False),
    Case("a cache mount before", _B + "RUN --mount=type=cache,target=/c true\nCOPY . /app", _E, built=False),
    Case("parents of a later copy", _B + "COPY . /app/\nCOPY --parents src/a.py /app/", _E, "depends on `--parents`",
         built=False),
    Case("excluded below", _B + "COPY --exclude=**/*.md --exclude=lib/** . /app/", _S, built=False),
    Case("permissions in letters", _B + "COPY --chmod=u+x . /app", _E, "depends on `--chmod=u+x`", built=False),
)  # fmt: skip
