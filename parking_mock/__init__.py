"""What an environment loads of parking-mock by itself: the command, the pytest plugin, and the check for shadows.

Nothing here imports `mock_server` or `contracts` before a use: another project may have packages of these names.
"""
