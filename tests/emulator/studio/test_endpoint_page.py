from __future__ import annotations


def test_an_endpoint_shows_its_state_traffic_and_deployments(studio) -> None:
    studio.add_endpoint("iris-prod", {"blue": 90, "green": 10}, description="Predicts flowers")
    model = f"{studio.workspace}/models/iris/versions/3"
    studio.add_deployment(
        "iris-prod",
        "blue",
        model=model,
        environmentId=f"{studio.workspace}/environments/deploy/versions/4",
        codeConfiguration={"scoringScript": "score.py"},
    )
    studio.add_deployment("iris-prod", "green", "Creating", model="azureml:iris:4")
    page = studio.page("/endpoints/iris-prod")
    for words in ("iris-prod", "Succeeded", "Predicts flowers", "blue 90 %", "green 10 %", "deploy:4", "score.py"):
        assert words in page.text
    assert "2 × Standard_DS3_v2" in page.text
    assert {"/models/iris/3?workspace=mlops", "/models/iris/4?workspace=mlops"} <= page.links
    bars = page.all("svg", class_="traffic")
    assert bars[0]["aria-label"] == "Traffic: blue 90 %, green 10 %"
    assert [(part["x"], part["width"]) for part in page.all("rect") if part["class"].startswith("fill")] == [
        ("0", "90"),
        ("90", "10"),
    ]
    assert "data-live" in page.markup  # green is being created


def test_how_to_call_it_names_everything_but_the_key(studio) -> None:
    studio.add_endpoint("iris-prod", {})
    page = studio.page("/endpoints/iris-prod")
    assert f"{studio.emulator.base_url}/inference/iris-prod/score" in page.text
    assert '--header "Authorization: Bearer $ENDPOINT_KEY"' in page.text
    assert f"--cacert {studio.emulator.state.bundle}" in page.text


def test_traffic_that_no_deployment_gets_is_told(studio) -> None:
    studio.add_endpoint("iris-prod", {"blue": 60, "gone": 40})
    studio.add_deployment("iris-prod", "blue")
    assert "no deployment 40 %" in studio.page("/endpoints/iris-prod").text


def test_an_endpoint_without_deployments_says_that_it_answers_nothing(studio) -> None:
    studio.add_endpoint("iris-prod", {})
    assert "it answers no requests" in studio.page("/endpoints/iris-prod").text


def test_the_log_of_a_deployment_is_text(studio, monkeypatch) -> None:
    studio.add_endpoint("iris-prod", {"blue": 100})
    studio.add_deployment("iris-prod", "blue")
    monkeypatch.setattr(
        studio.emulator.serving, "logs", lambda deployment_id, **_: "\x1b[31mready\x1b[0m <script>alert(1)</script>\n"
    )
    page = studio.page("/endpoints/iris-prod")
    assert "ready <script>alert(1)</script>" in page.text
    assert "<script>alert" not in page.markup


def test_the_list_of_endpoints_leads_to_each(studio) -> None:
    studio.add_endpoint("one", {})
    studio.add_endpoint("two", {}, "Failed")
    page = studio.page("/endpoints")
    assert {"/endpoints/one", "/endpoints/two"} <= page.links
    assert "Failed" in page.text


def test_an_endpoint_that_is_not_there_is_a_page_that_says_so(studio) -> None:
    assert "There is no endpoint named “nope”" in studio.page("/endpoints/nope", 404).text


def test_the_address_that_a_summary_names_leads_to_the_page(studio) -> None:
    studio.add_endpoint("iris-main", {})
    reply = studio.get(f"/endpoints/realtime/iris-main/detail?wsid={studio.workspace}&tid=x")
    assert (reply.status, reply.headers["Location"]) == (302, "/endpoints/iris-main")
    assert "iris-main" in studio.page(reply.headers["Location"]).text


def test_an_endpoint_on_kubernetes_leads_to_its_compute_and_tells_its_replicas(studio) -> None:
    studio.add_endpoint("iris-kube", {"blue": 100}, compute=f"{studio.workspace}/computes/kube")
    scale = {"scaleType": "TargetUtilization", "minInstances": 2, "maxInstances": 6}
    studio.add_deployment("iris-kube", "blue", scaleSettings=scale, instanceType="defaultinstancetype")
    studio.add_endpoint("iris-managed", {})
    page = studio.page("/endpoints/iris-kube")
    assert "/computes/kube?workspace=mlops" in page.links
    assert "2 to 6 × defaultinstancetype" in page.text
    assert "/computes/kube?workspace=mlops" in studio.page("/endpoints").links
    assert "managed machines" in studio.page("/endpoints/iris-managed").text
