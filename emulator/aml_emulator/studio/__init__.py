"""The Studio: pages about what this emulator holds, rendered by the server, on the address that `run_url` leads to.

Nobody signs in, as it answers on 127.0.0.1 only. Names, tags, logs and files come from users and are only ever shown.
"""

from __future__ import annotations

from aml_emulator.context import Emulator
from aml_emulator.http import Router
from aml_emulator.studio.batch_pages import register as register_batch
from aml_emulator.studio.compute_pages import register as register_computes
from aml_emulator.studio.endpoint_pages import register as register_endpoints
from aml_emulator.studio.event_pages import register as register_events
from aml_emulator.studio.function_pages import register as register_functions
from aml_emulator.studio.github_pages import register as register_github
from aml_emulator.studio.job_pages import register as register_jobs
from aml_emulator.studio.model_pages import register as register_models
from aml_emulator.studio.overview import register as register_overview
from aml_emulator.studio.pages import page, static, unknown


def register(router: Router, emulator: Emulator) -> None:
    """Add the Studio's routes."""
    router.add("GET", "/studio/static/{name}", page(static), "none")
    register_overview(router, emulator)
    register_jobs(router, emulator)
    register_models(router, emulator)
    register_endpoints(router, emulator)
    register_batch(router, emulator)
    register_computes(router, emulator)
    register_events(router, emulator)
    register_functions(router, emulator)
    register_github(router, emulator)
    for folder in (
        "runs",
        "models",
        "model",
        "endpoints",
        "computes",
        "compute",
        "experiments",
        "events",
        "function-apps",
        "studio",
    ):
        router.add("GET", f"/{folder}/{{rest:path}}", page(unknown), "none")
