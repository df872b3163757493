"""Known failures of compute: quotas, sizes, nodes, networks, Kubernetes, and getting an image onto a node."""

from __future__ import annotations

from aml_run.known import LEARN, Known, Where

_AT = (Where.SUBMISSION, Where.JOB)
_QUOTA = f"{LEARN}how-to-manage-quotas"
_K8C = f"{LEARN}how-to-troubleshoot-kubernetes-compute"
_K8X = f"{LEARN}how-to-troubleshoot-kubernetes-extension"
_ARM = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors"
_PULL = (
    "`az ml compute update -n <cluster> --identity-type SystemAssigned`, then "
    "`az role assignment create --role AcrPull --assignee-object-id <object id> --scope <id of the registry>`; "
    "after a change of its password `az ml workspace sync-keys`"
)


def _kubernetes(code: str, cause: str, fix: str) -> Known:
    return Known(code, cause, fix, "documented", _AT, link=_K8C)


def _extension(code: str, cause: str) -> Known:
    fix = "`kubectl describe configmap -n azureml arcml-healthcheck` shows the whole report"
    return Known(code, cause, fix, "documented", _AT, link=_K8X)


QUEUE = (
    Known(
        "ClusterCoreQuotaReached",
        "the vCPUs of the subscription in this region are used up; the build of an image takes four of them, unseen",
        "wait for other clusters, lower their `min_instances` or the nodes of this one, or ask for more at <https://ml.azure.com/quota>; "
        "`az ml compute list-usage -l <region>`",
        "recorded",
        _AT,
        pattern=r"\bClusterCoreQuotaReached\b|exceeding quota limits of",
        link=_QUOTA,
    ),
    Known(
        "ClusterMinNodesExceedCoreQuota",
        "the quota of the family of machines does not hold one node; a limit of 0 was never granted",
        "choose another family or ask for quota; low-priority and dedicated nodes have separate quotas",
        "recorded",
        _AT,
        pattern=r"\bClusterMinNodesExceedCoreQuota\b|cannot accomm?odate for at least",
        link=_QUOTA,
    ),
    Known(
        "VmSizeNotSupported",
        "the region does not offer this size of machine",
        "`az ml compute list-sizes -l <region>` shows those that it offers",
        "recorded",
        _AT,
    ),
    Known(
        "DiskFull",
        "the disk of a node is full; the node takes no jobs, and the cluster still says Succeeded",
        "scale the cluster to 0 and up again, or choose a size with a larger disk; data is better mounted than downloaded",
        "recorded",
        _AT,
        pattern=r"\bDiskFull\b|not enough disk space on the node",
    ),
    Known(
        "ComputeRequiresImageMigration",
        "the nodes run an old image of their operating system",
        "scale the cluster to 0 once",
        "recorded",
        _AT,
    ),
    Known(
        "AllocationFailed",
        "the region has no such machines at the moment; a quota is a right, not a machine",
        "try later, another size or region, or dedicated nodes in place of low priority",
        "documented",
        _AT,
        pattern=r"(?<![\w-])AllocationFailed\b",
        link=_ARM,
    ),
    Known(
        "ZonalAllocationFailed",
        "the zone has no such machines at the moment",
        "try later, another size, zone or region",
        "documented",
        _AT,
        link=_ARM,
    ),
    Known(
        "OverconstrainedAllocationRequest",
        "the region has no machines that meet all that was asked for",
        "ask for less: another size, no zone, dedicated nodes in place of low priority",
        "documented",
        _AT,
        link=_ARM,
    ),
    Known(
        "total vCPU quota of 0",
        "the subscription has no vCPUs of this family",
        "ask for quota at <https://ml.azure.com/quota>, or choose another family",
        "reported: Azure/mlops-v2#81",
        _AT,
        link=_QUOTA,
    ),
)
"""Of nodes that a job waits for."""

NODES = (
    Known(
        "Nodes of this job got pre-empted",
        "its low-priority node was taken away: Azure needed the machine for somebody else",
        "run it again; keep checkpoints, use dedicated nodes, or `retry_settings` where the job has steps",
        "reported: Azure/MachineLearningNotebooks#1242",
        (Where.JOB, Where.SCRIPT),
        pattern=r"\bPreemptionError\b|got pre-?empted",
        link=_QUOTA,
    ),
    Known(
        "not authorized to use the compute instance",
        "a compute instance runs jobs of its owner only",
        "use a cluster, or serverless compute",
        "reported: MicrosoftLearning/mslearn-mlops#14",
        _AT,
    ),
    Known(
        "SubnetNotFound",
        "the subnet of the cluster does not exist",
        "correct the name of the subnet",
        "documented",
        _AT,
    ),
    Known("SubnetIsFull", "the subnet has no free addresses", "use a larger subnet", "documented", _AT),
    Known(
        "LinkedAuthorizationFailed",
        "the identity may not put machines into the subnet",
        "assign a role with `Microsoft.Network/virtualNetworks/subnets/join/action` on it",
        "documented",
        _AT,
    ),
)

IMAGES = (
    Known(
        "FailedPullingImage",
        "the cluster may not read the container registry: no identity with AcrPull, and the registry's admin user is off",
        _PULL,
        "reported",
        (Where.JOB,),
    ),
    Known(
        "AggregatedUnauthorizedAccessError",
        "the cluster may not read the container registry: no identity with AcrPull, and the registry's admin user is off",
        _PULL,
        "reported",
        (Where.JOB,),
    ),
    Known(
        "AcrRefreshTokenRetrievalError",
        "the identity of the compute has no access to the container registry, or the address of the image names it twice",
        _PULL,
        "reported",
        (Where.JOB,),
        pattern=r"\bAcrRefreshTokenRetrievalError\b|azurecr\.io\S*azurecr\.io",
    ),
    Known(
        "execution-wrapper failed with status code",
        "the container starts, but Python or its environment in it is broken, or its user may not read the files",
        "run the image on a machine of yours; let its user be root; look at the build of the environment",
        "reported: getindata/kedro-azureml#6",
        (Where.JOB,),
        pattern="execution-wrapper failed with status code",
    ),
)

KUBERNETES = (
    _kubernetes(
        "ComputeNotFound",
        "the workspace has no Kubernetes compute of this name",
        "detach and attach it again, same name",
    ),
    _kubernetes("GenericComputeError", "the Kubernetes compute could not be read", "look whether the cluster runs"),
    _kubernetes(
        "ComputeNotAccessible",
        "the identity of the workspace may not use the AKS cluster",
        "assign it a role on the cluster",
    ),
    _kubernetes(
        "InvalidComputeInformation",
        "the compute's record is wrong",
        "detach it and attach it again, same name and namespace",
    ),
    _kubernetes(
        "InvalidComputeNoKubernetesConfiguration",
        "the compute has no configuration of a cluster",
        "detach it and attach it again, same name and namespace",
    ),
    _kubernetes(
        "GenericClusterError", "the cluster does not answer as it should", "look whether it runs, and at its network"
    ),
    _kubernetes(
        "ClusterNotReachable",
        "the cluster is stopped, or takes no calls from Azure Machine Learning",
        "start it; its authorised address ranges must hold those of Azure Machine Learning",
    ),
    _kubernetes("ClusterNotFound", "the cluster was deleted, or its name is wrong", "attach the cluster that exists"),
    _kubernetes("ClusterServiceNotFound", "the ingress of the extension has no pods", "install the extension again"),
    _kubernetes("ClusterUnauthorized", "the token for the cluster has expired", "run the job again"),
    _kubernetes("RefreshExtensionIdentityNotSet", "the extension has no identity", "install the extension again"),
    _extension("E40001", "the cluster has no load balancer"),
    _extension("E40002", "fewer than three nodes, which high availability needs"),
    _extension("E40003", "an internal load balancer is for AKS only"),
    _extension("E40007", "the SSL settings are wrong"),
    _extension("E45002", "another Prometheus is installed"),
    _extension("E45003", "the network of the cluster does not reach what it needs"),
    Known(
        "E45004",
        "the extension was installed without training (as the error of a job), or an old azureml-fe is in its way",
        "install the extension again with `enableTraining=True`",
        "documented",
        _AT,
        link=_K8C,
    ),
    _extension("E45005", "an old azureml-fe is in its way"),
    _kubernetes(
        "Kubernetes job failed. 137",
        "memory ran out; with a proxy, `proxy-skip-range` may lack 127.0.0.1",
        "give the job more memory; put 127.0.0.1 into `proxy-skip-range`",
    ),
    _kubernetes(
        "Encountered an error when attempting to connect to the Azure Machine Learning token service",
        "the cluster does not reach the workspace: private link, or its DNS",
        "correct private link and DNS of the cluster",
    ),
    _kubernetes(
        "Give either an account key or SAS token",
        "the compute has no identity that may read the datastore",
        "give it one",
    ),
    _kubernetes(
        "Unable to upload project files to working directory in AzureBlob because the authorization failed",
        "the storage account's firewall is closed to the workspace",
        "allow trusted services on the storage account, and give the workspace's identity a role on it",
    ),
    Known(
        "Job is waiting for available resources",
        "no node of the cluster has the room that the job asks for",
        "ask for less with another `instance_type`, or add nodes",
        "reported: Azure/AML-Kubernetes#124",
        _AT,
        link=_K8C,
    ),
)

TABLE = (*NODES, *IMAGES, *KUBERNETES, *QUEUE)
