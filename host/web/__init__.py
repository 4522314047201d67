"""The host's HTTP side: Starlette at the edge, everything behind it synchronous, in worker threads."""
