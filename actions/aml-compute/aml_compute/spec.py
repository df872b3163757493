"""What aml-compute accepts and gives."""

from aml_actions.spec import (
    ActionSpec,
    Output,
    Permission,
    Secret,
    azure_credentials_input,
    parameters_file_input,
    result_output,
)
from aml_compute.parameters import ComputeParameters

ACTION = ActionSpec(
    name="aml-compute",
    title="Azure Machine Learning: compute",
    description=(
        "Finds a compute target of an Azure Machine Learning workspace, creates it (a cluster of virtual machines) or attaches it "
        "(a Kubernetes cluster). An existing one is never changed."
    ),
    inputs=(azure_credentials_input(), parameters_file_input("compute.json")),
    outputs=(
        Output("compute_name", "Name of the compute target."),
        result_output(
            "`{compute_name, compute_type, vm_size, vm_priority, min_nodes, max_nodes, nodes, resource_id, namespace, "
            "provisioning_state, studio_url, created}`."
        ),
    ),
    parameters=ComputeParameters,
    parameters_file="compute.json",
    secrets=(
        Secret(
            "ADMIN_USER_NAME",
            "User for SSH to the nodes; only with one of the next two, and only when the cluster is created.",
        ),
        Secret("ADMIN_USER_PASSWORD", "Password of that user."),
        Secret("ADMIN_USER_SSH_KEY", "Public SSH key of that user; used when there is no password."),
    ),
    permissions=(
        Permission("AzureML Data Scientist", "the workspace", "to find the cluster (Reader is enough for this alone)"),
        Permission("AzureML Compute Operator", "the workspace", "to create the cluster; not needed when it exists"),
        Permission("Contributor", "the Kubernetes cluster", "to attach it; not needed when it is attached already"),
        Permission("Network Contributor", "the subnet", "to create the cluster in a virtual network"),
        Permission("Managed Identity Operator", "the identity", "to create the cluster with a user-assigned identity"),
    ),
    work="aml_compute.action:work",
    check="aml_compute.check:check",
)
