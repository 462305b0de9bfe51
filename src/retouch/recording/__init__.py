"""What is written down of a fill beside its result, and how a result is signed; see docs/record.md."""
