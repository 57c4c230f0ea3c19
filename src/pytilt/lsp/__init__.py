"""The language server: what an editor asks about a Tiltfile while it is written.

Here belongs what answers the Language Server Protocol: mistakes, completion, help, definitions. It runs nothing of a
Tiltfile; what it knows of functions comes from `tiltfile`, and what it knows of a text from `dialect`. Not here: how
the bytes come and go (`cli.tools.lsp`, which calls it).
"""
