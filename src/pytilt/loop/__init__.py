"""The only place where effects are started: scheduler, update pipeline, controllers.

Here belongs what decides and does: pure planning (`planning`), and controllers that own running things, in one package
a topic. Beside these are `session` (everything that runs) and `teardown` (`tilt down`). Not here: how a thing is done
(`images`, `kubernetes`, `host`, `liveupdate`) or shown (`views`).
"""
