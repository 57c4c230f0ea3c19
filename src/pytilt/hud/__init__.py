"""The heads-up display: a Textual app over the same `views` as every other face, attached to a running session.

Here belongs everything that draws in a terminal and listens to its keys. It asks the session through its interface,
like any client, and decides nothing about resources. Not here: what a row says (`views`), and starting the session.
`cli.display.hud` calls it.
"""
