"""Known failures of data access (Microsoft's guide for troubleshooting data access)."""

from __future__ import annotations

from aml_run.known import LEARN, Known, Where

_GUIDE = f"{LEARN}how-to-troubleshoot-data-access"
_AT = (Where.JOB, Where.SCRIPT)
_ROLE = (
    "assign Storage Blob Data Reader (for outputs: Contributor) to the identity of the cluster; Owner or Contributor of the account "
    "is not enough"
)


def _known(heading: str, cause: str, fix: str, pattern: str = "", source: str = "documented") -> Known:
    return Known(heading, cause, fix, source, _AT, pattern, _GUIDE)


TABLE = (
    _known(
        "FirewallSettingsResolutionFailure",
        "the identity may not read the firewall settings of the storage account",
        "assign it the role Reader on the storage account",
    ),
    _known(
        "PrivateEndpointResolutionFailure",
        "the storage account is in a virtual network, and the job is outside of it",
        "give the storage account a private endpoint that the compute reaches, or allow the compute's network",
    ),
    _known(
        "NetworkIsolationViolated",
        "the storage account is in a virtual network, and the job is outside of it",
        "give the storage account a private endpoint that the compute reaches, or allow the compute's network",
    ),
    _known(
        "AzureIdentityAccessTokenResolution.InvalidResource",
        "the datastore names a wrong subscription or resource group",
        "correct the datastore",
        r"ScriptExecution\.StreamAccess\S*\.InvalidResource\b",
    ),
    _known(
        "ScriptExecution.StreamAccess.Authentication",
        "the identity of the compute, which is neither the workspace's nor who submitted, has no role on the data; the cluster may have "
        "no identity at all; with `identity: user_identity` it is who submitted",
        _ROLE,
        r"ScriptExecution\.StreamAccess\.Authentication|not authorized to perform this operation using this permission",
    ),
    _known(
        "ScriptExecution.StreamAccess.NotFound",
        "the path or container does not exist, or an access list of the data lake hides it",
        "correct the path; look at the access list",
        r"ScriptExecution\.StreamAccess\.NotFound|The requested stream was not found",
    ),
    _known(
        "ScriptExecution.StreamAccess.Throttled",
        "the storage account limits the number of calls",
        "fewer readers at once; mount in place of download",
        source="reported",
        pattern=r"ScriptExecution\.StreamAccess\.Thrott\w+",
    ),
    _known(
        "ScriptExecution.StreamAccess.Validation",
        "the encoding of a text file or the scheme of an address is wrong",
        "addresses begin with `abfss://`, `wasbs://`, `https://` or `azureml://`",
    ),
    _known(
        "ScriptExecution.DatabaseConnection.NotFound",
        "the server or database of the datastore does not exist",
        "correct the datastore",
    ),
    _known(
        "ScriptExecution.DatabaseConnection.Authentication",
        "the identity may not use the database",
        "give it a user in the database",
    ),
    _known(
        "ScriptExecution.DatabaseQuery.TimeoutExpired",
        "the query took too long",
        "ask for less, or raise the time limit of the query",
        r"(?:ScriptExecution\.)?DatabaseQuery\.TimeoutExpired",
    ),
    _known(
        "Failed to mount URI",
        "an input could not be mounted: a missing role, a wrong path, or a network that is closed",
        "the HTTP status is in `system_logs/data_capability/data-capability.log` and `rslex.log` of the job",
        source="reported",
    ),
    _known(
        "Can't mount Dataset",
        "the identity of the compute has no role on the data",
        _ROLE,
    ),
)
