"""What each family of clients does, a case a function."""
