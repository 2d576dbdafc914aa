"""parking-mock for agents: the tools of `parking-mock mcp`."""
