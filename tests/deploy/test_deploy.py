"""The files in deploy/ have the format that their readers require."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from google.protobuf.message_factory import GetMessageClass
from tensorflow_serving.config import model_server_config_pb2

from keras_ctx.serving.rest.watched_model import version_folders

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SERVER_FLAGS = {
    *("model_config_file", "model_config_file_poll_wait_seconds"),
    *("allow_version_labels_for_unavailable_models", "enable_batching"),
    *("batching_parameters_file", "monitoring_config_file"),
    *("file_system_poll_wait_seconds", "rest_api_timeout_in_ms"),
    "tensorflow_intra_op_parallelism",
}
# Field numbers of two messages that tensorflow-serving-api lacks, from
# session_bundle_config.proto and monitoring_config.proto of TensorFlow Serving.
WRAPPED = {
    "max_batch_size": 1,
    "batch_timeout_micros": 2,
    "max_enqueued_batches": 3,
    "num_batch_threads": 4,
}


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def message(name: str) -> Any:
    """Returns a message of TensorFlow Serving that its Python package lacks."""
    file = descriptor_pb2.FileDescriptorProto(
        name="serving_configs.proto", package="deploy_test", syntax="proto3"
    )
    field = descriptor_pb2.FieldDescriptorProto

    def add(message, name, number, kind, of="", repeated=False) -> None:
        label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
        added = message.field.add(
            name=name, number=number, type=kind, label=label
        )
        if of:
            added.type_name = of

    wrapper = file.message_type.add(name="Int64Value")
    add(wrapper, "value", 1, field.TYPE_INT64)
    batching = file.message_type.add(name="BatchingParameters")
    for key, number in WRAPPED.items():
        of = ".deploy_test.Int64Value"
        add(batching, key, number, field.TYPE_MESSAGE, of)
    add(batching, "allowed_batch_sizes", 6, field.TYPE_INT64, repeated=True)
    add(batching, "pad_variable_length_inputs", 7, field.TYPE_BOOL)
    prometheus = file.message_type.add(name="PrometheusConfig")
    add(prometheus, "enable", 1, field.TYPE_BOOL)
    add(prometheus, "path", 2, field.TYPE_STRING)
    monitoring = file.message_type.add(name="MonitoringConfig")
    of = ".deploy_test.PrometheusConfig"
    add(monitoring, "prometheus_config", 1, field.TYPE_MESSAGE, of)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"deploy_test.{name}")
    return GetMessageClass(found)()


def test_models() -> None:
    config = text_format.Parse(
        read("models.config"), model_server_config_pb2.ModelServerConfig()
    )
    (model,) = config.model_config_list.config
    assert model.base_path == f"/models/{model.name}"
    assert model.model_platform == "tensorflow"
    served = set(model.model_version_policy.specific.versions)
    assert dict(model.version_labels) == {"stable": 1, "canary": 2}
    assert set(model.version_labels.values()) == served


def test_batching() -> None:
    config = text_format.Parse(
        read("batching.config"), message("BatchingParameters")
    )
    assert all(getattr(config, name).value > 0 for name in WRAPPED)
    # Requests of query.py fit into one batch.
    assert config.max_batch_size.value >= 32
    assert not config.pad_variable_length_inputs


def test_monitoring_is_scraped_where_it_is() -> None:
    config = text_format.Parse(
        read("monitoring.config"), message("MonitoringConfig")
    ).prometheus_config
    assert config.enable
    (job,) = yaml.safe_load(read("prometheus.yml"))["scrape_configs"]
    assert job["metrics_path"] == config.path
    assert job["static_configs"] == [{"targets": ["serving:8501"]}]
    pod = deployment()["spec"]["template"]
    assert pod["metadata"]["annotations"]["prometheus.io/path"] == config.path


def deployment() -> dict:
    return next(yaml.safe_load_all(read("kubernetes.yaml")))


def compose() -> dict:
    return yaml.safe_load(read("docker-compose.yml"))["services"]


def test_ports_are_of_this_machine_only() -> None:
    for service in compose().values():
        assert all(x.startswith("127.0.0.1:") for x in service["ports"])


def test_the_notes_pin_the_image_that_is_used() -> None:
    image = compose()["serving"]["image"]
    notes = read("docker-compose.yml")
    assert f"docker pull {image}\n" in notes
    assert f"image: {image}@sha256:" in notes
    pod = deployment()["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == image


def flags(arguments: list[str]) -> dict[str, str]:
    assert all(x.startswith("--") for x in arguments)
    return dict(x[2:].split("=", 1) for x in arguments)


@pytest.mark.parametrize("place", ["compose", "kubernetes"])
def test_flags_name_what_is_mounted(place: str) -> None:
    if place == "compose":
        service = compose()["serving"]
        mounts = [x.rsplit(":", 2) for x in service["volumes"]]
        mounted = {target: source for source, target, _ in mounts}
        assert all(mode == "ro" for _, _, mode in mounts)
        given = flags(service["command"])
    else:
        pod = deployment()["spec"]["template"]["spec"]
        container = pod["containers"][0]
        given = flags(container["args"])
        assert {x["mountPath"] for x in container["volumeMounts"]} == {
            *("/models", "/config")
        }
        # From a config map of these files.
        mounted = {"/config": "."}
    assert given.keys() <= SERVER_FLAGS
    files = [x for name, x in given.items() if name.endswith("_file")]
    assert len(files) == 3
    for file in map(Path, files):
        # Mounted as a folder: a file renamed into place would stay unseen.
        assert (DEPLOY / mounted[str(file.parent)] / file.name).is_file()


def test_probes_ask_for_the_model_that_is_served() -> None:
    path = "/v1/models/reviews/metadata"
    assert path in compose()["serving"]["healthcheck"]["test"][-1]
    container = deployment()["spec"]["template"]["spec"]["containers"][0]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": path, "port": "rest"}
    ports = {x["name"]: x["containerPort"] for x in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}


def test_frozen_rest_is_noticed() -> None:
    """A server without free threads still has an open port."""
    container = deployment()["spec"]["template"]["spec"]["containers"][0]
    probe = container["livenessProbe"]
    assert probe["httpGet"]["port"] == "rest" and "tcpSocket" not in probe
    # A request may take several times as long without a restart.
    longest = int(flags(container["args"])["rest_api_timeout_in_ms"]) / 1000
    assert probe["timeoutSeconds"] >= longest
    assert probe["failureThreshold"] > 1
    healthcheck = compose()["serving"]["healthcheck"]["test"][-1]
    assert "HTTP/1.0" in healthcheck


def test_what_is_in_flight_is_answered_before_the_pod_ends() -> None:
    """In the pause before the signal, since the server itself does not wait."""
    pod = deployment()["spec"]["template"]["spec"]
    container = pod["containers"][0]
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    longest = int(flags(container["args"])["rest_api_timeout_in_ms"]) / 1000
    # Ten seconds until the service sends no more requests.
    assert int(seconds) >= 10 + longest
    # At most a third more, because a stop always takes all of it.
    grace = pod["terminationGracePeriodSeconds"]
    assert int(seconds) < grace <= int(seconds) + 5


def test_a_stop_of_the_composition_takes_no_grace_period() -> None:
    """It is not first removed from a service, so nothing has to be awaited."""
    service = compose()["serving"]
    assert service["init"] is True
    assert int(service["stop_grace_period"].removesuffix("s")) <= 10


def test_shell_without_an_init_process_keeps_the_signal(tmp_path: Path) -> None:
    """The image starts the server by a script that waits for its child."""
    script = tmp_path / "entrypoint.sh"
    # The child represents the server, which ends at a SIGTERM.
    script.write_text("#!/bin/bash\nsleep 60\n")
    process = subprocess.Popen(["bash", script], start_new_session=True)
    try:
        # With an init process in front, the shell is not the first process,
        # and the signal ends it, and the container with it.
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == -signal.SIGTERM
    finally:
        # The child was not told: a container would end it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_folder_that_is_copied_under_a_hidden_name_is_no_version(
    tmp_path: Path,
) -> None:
    """The commands of models.config and of saved_models/README.md."""
    (tmp_path / "build" / "3").mkdir(parents=True)
    (tmp_path / "build" / "3" / "saved_model.pb").write_bytes(b"all")
    models = tmp_path / "models" / "reviews"
    models.mkdir(parents=True)
    found = re.search(r"cp -r .*", read("models.config"))
    assert found is not None
    copy, move = found.group().split(" && ")
    subprocess.run(copy, shell=True, check=True, cwd=tmp_path)
    assert [x.name for x in models.iterdir()] == [".3"]
    assert version_folders(models) == {}
    subprocess.run(move, shell=True, check=True, cwd=tmp_path)
    assert list(version_folders(models)) == [3]
