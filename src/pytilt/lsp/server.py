"""The language server: a message of the client in, messages to it out."""

import posixpath
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from pytilt.lsp.assistance import Assistance, LoadedFile
from pytilt.lsp.documents import OpenText
from pytilt.lsp.loaded_files import LoadedFiles
from pytilt.lsp.mistakes import mistakes
from pytilt.lsp.outlines import Outline, outline
from pytilt.lsp.protocol import DocumentParams, RpcMessage

_PARSE_ERROR, _INVALID_PARAMS, _METHOD_NOT_FOUND, _NOT_INITIALIZED = -32700, -32602, -32601, -32002
_FULL_TEXT = 1
_EXTENSION = "ext://"

CAPABILITIES: dict[str, Any] = {
    "textDocumentSync": {"openClose": True, "change": _FULL_TEXT},
    "completionProvider": {"triggerCharacters": ["."]},
    "signatureHelpProvider": {"triggerCharacters": ["(", ","], "retriggerCharacters": ["="]},
    "hoverProvider": True,
    "definitionProvider": True,
    "documentSymbolProvider": True,
}
"""What it can do, as `initialize` answers."""

Message = dict[str, Any]


def no_extension(_name: str) -> str | None:
    """What finds extensions where there are none."""
    return None


class LanguageServer:
    """One conversation with an editor.

    Args:
        version: of this program.
        extension: finds the Tiltfile of an extension by its name, if it is on this machine.
    """

    def __init__(self, version: str, extension: Callable[[str], str | None] = no_extension) -> None:
        self._version = version
        self._extension = extension
        self._open: dict[str, OpenText] = {}
        self._outlines: dict[str, Outline] = {}
        """Of each document the newest that could be read."""
        self._read: set[str] = set()
        """The documents of which that is the present text's."""
        self._files = LoadedFiles()
        self._initialized = self._shut_down = False
        self.exit_status: int | None = None
        """Set when the client has ended the conversation."""

    def handle(self, body: bytes) -> list[Message]:
        """What is to be said to a message, in order.

        Args:
            body: JSON of the client's.
        """
        try:
            request = msgspec.json.decode(body, type=RpcMessage)
        except (msgspec.MsgspecError, RecursionError) as error:
            return [_error(None, _PARSE_ERROR, str(error))]
        if request.id is None:
            return self._notified(request)
        if not self._initialized and request.method != "initialize":
            return [_error(request.id, _NOT_INITIALIZED, "the first request is `initialize`")]
        answer = _ANSWERS.get(request.method)
        if answer is None:
            return [_error(request.id, _METHOD_NOT_FOUND, f"there is no method {request.method}")]
        try:
            return [{"id": request.id, "result": answer(self, request.params)}]
        except msgspec.ValidationError as error:
            return [_error(request.id, _INVALID_PARAMS, str(error))]

    def _notified(self, request: RpcMessage) -> list[Message]:
        if request.method == "exit":
            self.exit_status = 0 if self._shut_down else 1
            return []
        try:
            if request.method in ("textDocument/didOpen", "textDocument/didChange"):
                return self._changed(msgspec.convert(request.params, DocumentParams))
            if request.method == "textDocument/didClose":
                uri = msgspec.convert(request.params, DocumentParams).text_document.uri
                self._open.pop(uri, None)
                self._outlines.pop(uri, None)
                self._read.discard(uri)
                return [_diagnostics(uri, [])]
        except msgspec.ValidationError as error:
            return [{"method": "window/logMessage", "params": {"type": 1, "message": f"{request.method}: {error}"}}]
        return []

    def _changed(self, params: DocumentParams) -> list[Message]:
        uri = params.text_document.uri
        text = params.content_changes[-1].text if params.content_changes else params.text_document.text
        document = self._open[uri] = OpenText(uri, text)
        own = outline(document.path, document.text)
        self._read.discard(uri)
        if own is not None:
            self._outlines[uri] = own
            self._read.add(uri)
        return [_diagnostics(uri, mistakes(document, own, lambda path: self._outline_of(document, path)))]

    def initialize(self, _params: object) -> Message:
        """What the server can do."""
        self._initialized = True
        return {"capabilities": CAPABILITIES, "serverInfo": {"name": "tilt", "version": self._version}}

    def shutdown(self, _params: object) -> None:
        """The client will end the conversation."""
        self._shut_down = True

    def completion(self, params: object) -> list[Message]:
        """What could be written at a place."""
        place, assistance = self._asked(params)
        return assistance.completion(place.position) if assistance else []

    def hover(self, params: object) -> Message | None:
        """What is to be said of a name."""
        place, assistance = self._asked(params)
        text = assistance.hover(place.position) if assistance else ""
        return {"contents": {"kind": "markdown", "value": text}} if text else None

    def signature(self, params: object) -> Message | None:
        """The function whose arguments are being written."""
        place, assistance = self._asked(params)
        return assistance.signature(place.position) if assistance else None

    def definition(self, params: object) -> object:
        """Where a name is defined."""
        place, assistance = self._asked(params)
        return assistance.definition(place.position) if assistance else None

    def symbols(self, params: object) -> list[Message]:
        """What a document defines."""
        _, assistance = self._asked(params)
        return assistance.symbols() if assistance else []

    def _asked(self, params: object) -> tuple[DocumentParams, Assistance | None]:
        """The parameters of a request, and what answers it; None where the document is not open."""
        asked = msgspec.convert(params, DocumentParams)
        document = self._open.get(asked.text_document.uri)
        if document is None:
            return asked, None
        line, _ = document.place(asked.position)
        own = self._outlines.get(document.uri)
        if document.uri not in self._read:
            own = outline(document.path, document.text, line) or own
        return asked, Assistance(document, own or Outline(), cache(lambda path: self._file(document, path)))

    def _outline_of(self, document: OpenText, path: str) -> Outline | None:
        file = self._file(document, path)
        return file.outline if file else None

    def _file(self, document: OpenText, path: str) -> LoadedFile | None:
        """The file that a `load` of a document names."""
        if path.startswith(_EXTENSION):
            full = self._extension(path.removeprefix(_EXTENSION))
        else:
            full = posixpath.normpath(posixpath.join(posixpath.dirname(document.path), path))
        if full is None or "\0" in full:
            return None
        loaded = next((each for each in self._open.values() if each.path == full), None)
        if loaded is None:
            return self._files.get(full)
        return LoadedFile(document=loaded, outline=self._outlines.get(loaded.uri) or Outline())


def _diagnostics(uri: str, found: list[Message]) -> Message:
    return {"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": found}}


def _error(number: int | str | None, code: int, message: str) -> Message:
    return {"id": number, "error": {"code": code, "message": message}}


_ANSWERS: dict[str, Callable[[LanguageServer, object], object]] = {
    "initialize": LanguageServer.initialize,
    "shutdown": LanguageServer.shutdown,
    "textDocument/completion": LanguageServer.completion,
    "textDocument/hover": LanguageServer.hover,
    "textDocument/signatureHelp": LanguageServer.signature,
    "textDocument/definition": LanguageServer.definition,
    "textDocument/documentSymbol": LanguageServer.symbols,
}
