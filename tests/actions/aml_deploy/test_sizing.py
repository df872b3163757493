import pytest

from aml_actions.errors import ActionError
from aml_deploy.parameters import DeployParameters
from aml_deploy.sizing import choose


@pytest.mark.parametrize(
    ("cores", "memory", "size"),
    [
        (0.1, 0.5, "Standard_DS1_v2"),
        (1, 1.2, "Standard_DS1_v2"),
        (1, 1.3, "Standard_F2s_v2"),
        (2, 4.7, "Standard_DS2_v2"),
        (0.5, 13, "Standard_E2s_v3"),
        (3, 1, "Standard_F4s_v2"),
        (4, 11.7, "Standard_DS3_v2"),
        (4, 16, "Standard_E4s_v3"),
    ],
)
def test_cores_and_memory_of_a_container_give_the_size_of_microsofts_table(cores, memory, size):
    assert choose(DeployParameters(cpu_cores=cores, memory_gb=memory), {}).instance_type == size


def test_without_any_wish_the_defaults_of_sdk_v1_count():
    assert choose(DeployParameters(), {}).reason == "for cpu_cores 0.1 and memory_gb 0.5"


def test_what_the_model_was_registered_with_counts_when_the_file_says_nothing():
    registered = {"cpu_cores": "2", "memory_gb": "8.0"}
    assert choose(DeployParameters(), registered).instance_type == "Standard_E2s_v3"
    assert choose(DeployParameters(memory_gb=1.5), registered).instance_type == "Standard_F2s_v2"


@pytest.mark.parametrize("nonsense", ["", "many", "-1", "nan"])
def test_properties_that_are_no_size_are_passed_over(nonsense):
    assert choose(DeployParameters(), {"cpu_cores": nonsense}).instance_type == "Standard_DS1_v2"


def test_instance_type_wins():
    parameters = DeployParameters(instance_type="Standard_NC4as_T4_v3", cpu_cores=64.0)
    assert choose(parameters, {}).instance_type == "Standard_NC4as_T4_v3"


def test_more_than_the_table_holds_is_an_error_that_names_the_way_out():
    with pytest.raises(ActionError) as caught:
        choose(DeployParameters(cpu_cores=5.0, memory_gb=2.0), {})
    assert "cpu_cores 5, memory_gb 2" in str(caught.value)
    assert '"instance_type"' in str(caught.value)
