"""Importing records: what is at the remote is read into a table, decided record by record, and done some hundred in a transaction."""
