"""Load all workspaces and build the marts in a pod of the image with everything. An example: change the first lines.

See docs/airflow.md. It needs apache-airflow-providers-cncf-kubernetes, and neither Meltano nor dbt beside Airflow. The
keys are in a Secret, which only the pod reads.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Asset, dag
from kubernetes.client import models as k8s

IMAGE = "registry.example.com/instantly:1"
NAMESPACE = "instantly"
SECRET = "instantly"  # noqa: S105 - a name
"""Secret whose entries become environment variables: TAP_INSTANTLY_WORKSPACES or TAP_INSTANTLY_API_KEY,
MELTANO_DATABASE_URI for the state, and the settings of the loader."""

LOADED, MARTS = Asset("instantly_loaded"), Asset("instantly_marts")

POD: dict[str, Any] = {
    "image": IMAGE,
    "namespace": NAMESPACE,
    "env_from": [k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=SECRET))],
    # The tables and the state are in databases. Only temporary files are here.
    "volumes": [k8s.V1Volume(name="data", empty_dir=k8s.V1EmptyDirVolumeSource())],
    "volume_mounts": [k8s.V1VolumeMount(name="data", mount_path="/data")],
    "security_context": k8s.V1PodSecurityContext(run_as_non_root=True, run_as_user=10001, fs_group=10001),
    "container_security_context": k8s.V1SecurityContext(allow_privilege_escalation=False),
    "container_resources": k8s.V1ResourceRequirements(
        requests={"cpu": "500m", "memory": "512Mi"}, limits={"memory": "2Gi"}
    ),
    # The tap writes its last state within these seconds of a SIGTERM.
    "termination_grace_period": 30,
    "on_finish_action": "delete_pod",
}


@dag(  # type: ignore[untyped-decorator] # Airflow has an environment of its own
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=["scheduled", "manual"],
    tags=["instantly"],
)
def instantly_kubernetes() -> None:
    """Load, build the marts from what could be loaded, and fail if something is missing."""
    KubernetesPodOperator(
        task_id="run",
        name="instantly",
        arguments=["run"],
        outlets=[LOADED, MARTS],
        retries=2,
        # A run that died keeps Meltano's state lock for 5 minutes.
        retry_delay=timedelta(minutes=6),
        execution_timeout=timedelta(hours=6),
        **POD,
    )


instantly_kubernetes()
