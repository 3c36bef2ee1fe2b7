"""What clients.py does: cases, a family of clients a file, the programs that drive clients in other languages, and how
it is told."""
