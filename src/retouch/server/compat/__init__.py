"""What clients of other programs say: IOPaint 1.6 and lama-cleaner 1.2. Only the interface is theirs."""
