"""Function apps: their code is published, built and run by a host of its own, in an environment of its own.

`publishing` takes code, `packages` reads it, `apps` keeps one `app.App` for each function app and hands it events and requests,
`process` is its running host, whose program is the package `host`.
"""
