"""The lab plane's first page."""
