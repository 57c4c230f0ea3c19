"""The kinds of the API whose objects the session makes of its own: which fields they have, and what these mean.

They are for `tilt explain` and `tilt dump openapi`: nothing makes an object of these classes. `views` makes the objects
as JSON, and its tests see that they have no field that is not here.
"""
