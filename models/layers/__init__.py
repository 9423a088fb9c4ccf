"""Small blocks that have no opinion about speech."""
