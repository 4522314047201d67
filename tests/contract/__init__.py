"""What the sandbox promises, asked over real sockets: by the official client and by plain HTTP."""
