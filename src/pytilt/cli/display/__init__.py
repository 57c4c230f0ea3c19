"""What a session shows: in this terminal, in the browser, in a file; `tilt attach`, `logs`, `hud`, `open`, `snapshot`.

Not here: how the display and the page look (`hud` and `server`, outside of the commands).
"""
