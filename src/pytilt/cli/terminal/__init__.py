"""What commands print and ask: log lines, tables and documents, questions and editors.

Not here: a session as it goes on (`display`).
"""
