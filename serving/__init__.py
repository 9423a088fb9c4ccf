"""A voice behind a port: OpenAI's speech API, Piper's HTTP, Wyoming, and a page to try it on (floor 4)."""
