"""The functions of the Tiltfile: one class per topic, whose methods add to a `Script`."""
