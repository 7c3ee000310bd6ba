"""The example with pods, parsed and rendered in Airflow's environment. No cluster runs it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.airflow.installation import AIRFLOW, ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "orchestrate" / "examples"

KUBECONFIG = {
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "current-context": "none",
    "users": [{"name": "none", "user": {}}],
}
"""Cluster that is not there: the operator looks whether it has one."""

RENDER = """
import json
from airflow.dag_processing.dagbag import DagBag
from kubernetes.client import ApiClient
bag = DagBag(EXAMPLE, bundle_name="examples")
assert not bag.import_errors, bag.import_errors
(dag,) = bag.dags.values()
(task,) = dag.tasks
task.render_template_fields({"ti": None, "params": {}})
pod = ApiClient().sanitize_for_serialization(task.build_pod_request_obj())
print("\\n" + json.dumps([pod, [asset.name for asset in task.outlets]]))
"""


def test_non_root_pod_runs_with_keys_from_a_secret_and_emits_assets(tmp_path: Path) -> None:
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(json.dumps(KUBECONFIG), encoding="utf-8")
    done = subprocess.run(
        [str(AIRFLOW / "python"), "-c", RENDER.replace("EXAMPLE", repr(str(EXAMPLE)))],
        env={"AIRFLOW_HOME": str(tmp_path), "KUBECONFIG": str(nowhere), "PATH": str(AIRFLOW)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pod, outlets = json.loads(done.stdout.splitlines()[-1])
    (container,) = pod["spec"]["containers"]
    assert container["args"] == ["run"]
    assert container["envFrom"] == [{"secretRef": {"name": "instantly"}}]
    assert container.get("env", []) == []
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/data"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert outlets == ["instantly_loaded", "instantly_marts"]
