"""Correct clients of designs that the reference client does not have: they receive beside their questions.

Their plan is that of the reference client. What they have of their own is how they receive, store and acknowledge, how
they reconnect, and how they repeat calls: by threads or tasks, in real time.
"""
