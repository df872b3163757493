"""Uses `azureml.core.Run` as training scripts of SDK v1 do, and leaves what it saw in outputs/seen.json."""

import json
import os
import socket

hosts = set()
find_address = socket.getaddrinfo


def note_host(host, *arguments, **options):
    hosts.add(str(host))
    return find_address(host, *arguments, **options)


socket.getaddrinfo = note_host

from azureml.core.run import Run  # noqa: E402

seen = {}
run = Run.get_context(allow_offline=False)
workspace = run.experiment.workspace
seen["run"] = {"id": run.id, "experiment": run.experiment.name, "parent": run.parent, "status": run.get_status()}
seen["workspace"] = [workspace.subscription_id, workspace.resource_group, workspace.name, workspace.location]

run.log("Kernel type", "linear")
run.log("Accuracy", 0.9)
run.log("count", 3)
run.log("converged", True)
run.log("not a number", float("nan"))
for number in range(4):
    run.log("loss", 1 / (number + 1))
    run.log("stepped", number * number, step=number * 10)
run.log_list("scores", [1.0, 0.5, 1.0])
run.log_row("row", epoch=1, note="a")
run.log_row("row", epoch=2, note="b")
run.log_table("table", {"x": [1, 2], "y": [3.5, 4.5]})
matrix = {"class_labels": ["no", "yes"], "matrix": [[3, 1], [0, 4]]}
run.log_confusion_matrix(
    "Confusion matrix", {"schema_type": "confusion_matrix", "schema_version": "v1", "data": matrix}
)
with open("pixel.gif", "wb") as file:
    file.write(b"GIF89a\x01\x00\x01\x00\x00\xff\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;")
run.log_image("figure", path="pixel.gif")

run.tag("purpose", "test")
run.tag("gone")
run.tag("bare")
run.remove_tags(["gone"])
run.add_properties({"colour": "blue"})
seen["tags"], seen["properties"] = run.get_tags(), run.get_properties()

os.makedirs("reports")
for name in ("a note.txt", "b.txt"):
    with open(os.path.join("reports", name), "w") as file:
        file.write(f"this is {name}")
run.upload_file("notes/a note.txt", os.path.join("reports", "a note.txt"))
run.upload_folder("uploaded", "reports")
run.download_file("notes/a note.txt", "downloaded.txt")
with open("downloaded.txt") as file:
    seen["downloaded"] = file.read()
seen["files"] = run.get_file_names()

run.flush()
seen["metrics"] = run.get_metrics()

with run.child_run("first") as child:
    child.log("depth", 1)
many = run.create_children(count=2)
many[0].fail("it broke")
many[1].cancel()
seen["children"] = {
    child.id: {"status": child.get_status(), "parent": child.parent.id, "error": child.get_details().get("error")}
    for child in run.get_children()
}
seen["metrics of all"] = run.get_metrics(recursive=True)

refused = {}
for name, ask in (
    ("model", lambda: run.register_model("model", model_path="notes")),
    ("data store", workspace.get_default_datastore),
    ("secret", lambda: run.get_secret("secret")),
):
    try:
        ask()
    except Exception as error:
        refused[name] = str(error)
seen["refused"] = refused
seen["portal"] = run.get_portal_url()
seen["hosts"] = sorted(hosts)

os.makedirs("outputs", exist_ok=True)
with open(os.path.join("outputs", "seen.json"), "w") as file:
    json.dump(seen, file)
run.complete()
