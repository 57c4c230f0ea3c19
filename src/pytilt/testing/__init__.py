"""The public test kit: a project in a dict, and a fake of every seam.

Here belongs what tests need, ours and those of people who extend pytilt. Nothing else imports it.
"""
