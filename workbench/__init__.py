"""The desktop application: windows and widgets; numbers come from `engines`."""
