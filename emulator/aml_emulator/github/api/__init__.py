"""GitHub's REST API under `/github/api/v3`, and what the emulator's own command line asks under `/emulator/github`."""
