"""What the commands share. Public to the commands that plugins bring: ``host.cli.base.context`` and ``host.cli.base.output``."""
