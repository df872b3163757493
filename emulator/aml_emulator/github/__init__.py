"""GitHub, as far as a workflow file can see it: real workflow files run on this machine by `act`.

`runner.run_workflow` is the entry. Around act stand what makes its verdict GitHub's: the trigger is checked first
(`events`), then everything that act would wave through (`checks`); the run itself happens in a clean clone and a clean
environment (`checkout`, `sandbox`), and what comes back is scrubbed of secrets before it is seen (`masking`, `log`).
"""
