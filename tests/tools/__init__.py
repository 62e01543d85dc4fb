"""The machines that tests stand on: a real PostgreSQL, a real Chromium, the real server, the HTML validator, axe."""
