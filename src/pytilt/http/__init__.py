"""HTTP/1.1 as a client: connections over sockets, TLS and proxies, what is asked on them, and which are kept.

Here belongs what is the same for every server. Not here: whom to trust, what to ask and what a failure means: that know
`images.docker` (container engines) and `kubernetes` (API servers), which call this.
"""
