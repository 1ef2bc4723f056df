"""The use cases: queue, plan, schedule, send, stop, recover, read the log, apply feedback."""
