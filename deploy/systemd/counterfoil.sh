#!/bin/sh
# Goes to /usr/local/bin/counterfoil: a command of this installation, typed by root, is run by the account that the server runs as.
# That account reads no home: give it a file by its standard input (counterfoil load invoices - < invoices.jsonl).
cd /var/lib/counterfoil
exec runuser -u counterfoil -- /opt/counterfoil/current/bin/counterfoil -c /etc/counterfoil/counterfoil.toml "$@"
