"""Evidence that the judge is right: the kill matrix, an example of each rule, every small history."""
