"""Probes carried out against running containers, by command, HTTP, TCP and gRPC.

Here belongs asking once. Not here: what a spec asks for (`podspec.probes`), and when to ask (`pods.health`).
"""
