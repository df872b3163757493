"""A person follows the link of a compute step's summary."""

from aml_emulator import ids


def add_compute(studio, name: str) -> str:
    body = {
        "location": "westeurope",
        "properties": {
            "computeType": "AmlCompute",
            "provisioningState": "Succeeded",
            "properties": {"vmSize": "STANDARD_DS3_V2", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4}},
        },
    }
    return studio.emulator.resources.put(ids.child_id(studio.workspace, "computes", name), body).id


def test_a_compute_shows_its_size_nodes_and_the_jobs_that_ran_on_it(studio) -> None:
    compute = add_compute(studio, "cpu-cluster")
    add_compute(studio, "other")
    studio.add_job("here")
    studio.emulator.resources.change(
        ids.child_id(studio.workspace, "jobs", "here"), lambda body: body["properties"].update(computeId=compute)
    )
    page = studio.page("/computes/cpu-cluster")
    assert "STANDARD_DS3_V2" in page.text
    assert "0 to 4" in page.text
    assert "/runs/here" in page.links
    assert "/runs/here" not in studio.page("/computes/other").links


def test_the_address_that_a_summary_names_leads_to_the_page(studio) -> None:
    add_compute(studio, "cpu-cluster")
    reply = studio.get(f"/compute/cpu-cluster/details?wsid={studio.workspace}&tid=x")
    assert reply.status == 302
    assert "cpu-cluster" in studio.page(reply.headers["Location"]).text


def test_a_compute_that_is_not_there_is_said_to_be_missing(studio) -> None:
    assert "There is no compute “nope”" in studio.page("/computes/nope", 404).text


def add_kubernetes(studio, name: str) -> str:
    cluster = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/blue-cluster"
    properties = {
        "computeType": "Kubernetes",
        "provisioningState": "Succeeded",
        "resourceId": cluster,
        "properties": {"namespace": "models", "instanceTypes": {"defaultinstancetype": {}, "gpu": {}}},
    }
    return studio.emulator.resources.put(
        ids.child_id(studio.workspace, "computes", name), {"properties": properties}
    ).id


def test_an_attached_cluster_shows_what_it_stands_for_and_what_it_serves(studio) -> None:
    compute = add_kubernetes(studio, "kube")
    studio.add_endpoint("iris-prod", {}, compute=compute)
    studio.add_endpoint("managed", {})
    page = studio.page("/computes/kube")
    for words in ("Kubernetes", "blue-cluster (managedClusters)", "models", "defaultinstancetype, gpu"):
        assert words in page.text
    assert "/endpoints/iris-prod" in page.links
    assert "/endpoints/managed" not in page.links


def test_the_list_of_computes_leads_to_each(studio) -> None:
    assert "No compute has been created yet" in studio.page("/computes").text
    add_compute(studio, "cpu-cluster")
    add_kubernetes(studio, "kube")
    page = studio.page("/computes")
    assert {"/computes/cpu-cluster?workspace=mlops", "/computes/kube?workspace=mlops"} <= page.links
    assert "0 to 4 × STANDARD_DS3_V2" in page.text
    assert "blue-cluster (managedClusters)" in page.text
    assert "/computes" in studio.page("/").links
