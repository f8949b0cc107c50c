"""The methods: Qt-free engines that the window, the command line, tests and clusters share."""

__version__ = "0.1.0"
