"""What a run has shown: the history and the recording, read for rules."""
