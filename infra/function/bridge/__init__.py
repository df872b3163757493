"""Azure calls GitHub back: an Event Grid event becomes one `repository_dispatch` of the repository that it concerns."""
