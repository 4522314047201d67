"""The host's own migrations, and the environment in which every plugin's migrations run too."""
