"""The only place where effects are started: scheduler, update pipeline, controllers.

Here belongs what decides and does: pure planning (`schedule`), and controllers that own running things. Not here: how
a thing is done (`images`, `kubernetes`, `host`, `liveupdate`) or shown (`views`).
"""
