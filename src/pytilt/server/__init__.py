"""The session's interface: objects and logs over HTTP and WebSocket, behind a token.

Here belongs what answers requests. Not here: what the answers mean (`views`) and what a trigger does (`loop`).
"""
