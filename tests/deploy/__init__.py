"""What deploy/ and docs/operation.md say, done: on machines that are made for it and gone afterwards."""
