"""For `-p contracts.pytest_plugin`, where pytest loads no plugin by itself (`PYTEST_DISABLE_PLUGIN_AUTOLOAD`)."""

pytest_plugins = ("parking_mock.profiles",)
