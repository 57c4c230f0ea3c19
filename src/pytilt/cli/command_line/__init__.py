"""How a command line is read, and the table of all commands: by `parsing` where nothing is wrong in it, else by click.

Here belongs what says what a command and its options are. Not here: what a command does. Nothing but `program` and
`flags` imports click, for plain command lines have to be quick.
"""
