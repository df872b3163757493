"""Every key of the parameters files of the five legacy actions, from their schemas and code (2021-10-19)."""

from __future__ import annotations

LEGACY_KEYS: dict[str, tuple[str, ...]] = {
    "aml-workspace": (
        *("name", "resource_group", "create_workspace", "create_resource_group", "friendly_name", "location"),
        *("storage_account", "key_vault", "app_insights", "container_registry", "cmk_key_vault", "resource_cmk_uri"),
        *("hbi_workspace", "sku"),
    ),
    "aml-compute": (
        *("name", "compute_type", "vm_size", "vm_priority", "min_nodes", "max_nodes", "idle_seconds_before_scaledown"),
        *("vnet_resource_group_name", "vnet_name", "subnet_name", "remote_login_port_public_access"),
        *("identity_type", "identity_id", "agent_count", "location", "service_cidr", "dns_service_ip"),
        *("docker_bridge_cidr", "cluster_purpose", "ssl_cname", "ssl_cert_pem_file", "ssl_key_pem_file"),
        *("load_balancer_type", "load_balancer_subnet"),
    ),
    "aml-run": (
        *("experiment_name", "tags", "wait_for_completion", "download_artifacts", "runconfig_yaml_file"),
        *("pipeline_yaml_file", "runconfig_python_file", "runconfig_python_function_name", "pipeline_publish"),
        *("pipeline_name", "pipeline_version", "pipeline_continue_on_step_failure"),
    ),
    "aml-registermodel": (
        *("model_file_name", "model_name", "model_framework", "model_framework_version", "model_tags"),
        *("model_properties", "model_description", "datasets", "sample_input_dataset", "sample_output_dataset"),
        *("pipeline_child_run_name", "cpu_cores", "memory_gb", "metrics_max", "metrics_min", "force_registration"),
    ),
    "aml-deploy": (
        *("name", "deployment_compute_target", "inference_source_directory", "inference_entry_script", "conda_file"),
        *("extra_docker_file_steps", "runtime", "enable_gpu", "cuda_version", "custom_base_image", "description"),
        *("model_data_collection_enabled", "authentication_enabled", "app_insights_enabled", "cpu_cores", "memory_gb"),
        *("gpu_cores", "tags", "properties", "delete_service_after_deployment", "test_enabled", "test_file_path"),
        *("test_file_function_name", "profiling_enabled", "profiling_dataset", "skip_deployment", "create_image"),
        *("location", "dns_name_label", "ssl_enabled", "ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname"),
        *("autoscale_enabled", "autoscale_min_replicas", "autoscale_max_replicas", "autoscale_refresh_seconds"),
        *("autoscale_target_utilization", "num_replicas", "scoring_timeout_ms", "replica_max_concurrent_requests"),
        *("max_request_wait_time", "period_seconds", "initial_delay_seconds", "timeout_seconds", "success_threshold"),
        *("failure_threshold", "namespace", "token_auth_enabled"),
    ),
}

LEGACY_INPUTS: dict[str, tuple[str, ...]] = {
    "aml-workspace": ("azure_credentials", "parameters_file"),
    "aml-compute": ("azure_credentials", "parameters_file"),
    "aml-run": ("azure_credentials", "parameters_file"),
    "aml-registermodel": ("azure_credentials", "run_id", "experiment_name", "parameters_file"),
    "aml-deploy": ("azure_credentials", "model_name", "model_version", "parameters_file"),
}

LEGACY_OUTPUTS: dict[str, tuple[str, ...]] = {
    "aml-workspace": (),
    "aml-compute": (),
    "aml-run": (
        *("experiment_name", "run_id", "run_url", "run_metrics", "run_metrics_markdown", "artifact_path"),
        *("published_pipeline_id", "published_pipeline_status", "published_pipeline_endpoint"),
    ),
    "aml-registermodel": ("model_name", "model_version", "model_id"),
    "aml-deploy": (
        *("service_scoring_uri", "service_swagger_uri", "acr_address", "acr_username", "acr_password"),
        *("package_location", "profiling_details"),
    ),
}

LEGACY_SECRETS: dict[str, tuple[str, ...]] = {
    "aml-workspace": (),
    "aml-compute": ("ADMIN_USER_NAME", "ADMIN_USER_PASSWORD", "ADMIN_USER_SSH_KEY"),
    "aml-run": (),
    "aml-registermodel": (),
    "aml-deploy": (
        *("CONTAINER_REGISTRY_ADRESS", "CONTAINER_REGISTRY_USERNAME", "CONTAINER_REGISTRY_PASSWORD"),
        *("PRIMARY_KEY", "SECONDARY_KEY", "CMK_VAULT_BASE_URL", "CMK_KEY_NAME", "CMK_KEY_VERSION"),
        *("FUNCTION_BLOB_INPUT", "FUNCTION_BLOB_OUTPUT", "FUNCTION_HTTP_AUTH_LEVEL"),
        *("FUNCTION_SERVICE_BUS_QUEUE_INPUT", "FUNCTION_SERVICE_BUS_QUEUE_OUTPUT"),
    ),
}

LEGACY_FILES: dict[str, str] = {
    "aml-workspace": "workspace.json",
    "aml-compute": "compute.json",
    "aml-run": "run.json",
    "aml-registermodel": "registermodel.json",
    "aml-deploy": "deploy.json",
}
