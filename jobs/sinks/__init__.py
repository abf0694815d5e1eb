"""What a batch leaves in the archive: containers, error objects, delivery records."""
