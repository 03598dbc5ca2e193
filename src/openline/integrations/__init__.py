"""openline inside other frameworks and servers."""
