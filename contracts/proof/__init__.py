"""Shows that the judge is right: the kill matrix, examples of each rule, every small history."""
