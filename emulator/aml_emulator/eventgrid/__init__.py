"""Event Grid: system topics, event subscriptions, and the delivery of what happens in this emulator to functions and webhooks.

`emulator.events` (`publishing.Events`) is what the other parts use.
"""
