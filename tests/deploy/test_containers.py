# SPDX-License-Identifier: Apache-2.0
"""Containerfile, compose and Kubernetes: that they fit together, the daemon and each other. No image is built here."""
import json
import re
import shutil
import subprocess

import pytest
import yaml

import tables

CONTAINER, KUBERNETES = tables.ROOT / "deploy/container", tables.ROOT / "deploy/kubernetes"
BUILD = tables.ROOT / "build/release"
CONTAINERFILE = (CONTAINER / "Containerfile").read_text()
COMPOSE = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
VERSION = re.search(r"^VERSION := (\S+)", (tables.ROOT / "Makefile").read_text(), re.M)[1]

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")


def test_the_image_runs_as_nobody_and_needs_no_compiler():
    build, run = re.split(r"^FROM .*$", CONTAINERFILE, flags=re.M)[1:]
    assert re.search(r"^USER 10001:10001$", run, re.M) and "STOPSIGNAL SIGTERM" in run
    assert "gcc" in build and not re.search(r"\b(gcc|make|\S+-dev)\b", run)
    assert re.search(r'^ENTRYPOINT \["/usr/sbin/riderwatchd"\]$', run, re.M)


def test_the_image_has_the_libraries_that_the_programs_need():
    needed = set()
    for program in ("riderwatchd", "riderwatch-board", "riderwatchctl"):
        listed = subprocess.run(["readelf", "-d", str(BUILD / program)], check=True, capture_output=True, text=True).stdout
        needed.update(re.findall(r"\(NEEDED\).*\[(.*)\]", listed))
    packages = {"librdkafka.so.1": "librdkafka1", "libhiredis.so.0.14": "libhiredis0.14", "libevent-2.1.so.7": "libevent-2.1-7",
                "libjansson.so.4": "libjansson4", "libcrypto.so.3": "libssl3", "libssl.so.3": "libssl3",
                "libevent_openssl-2.1.so.7": "libevent-openssl-2.1-7", "libevent_core-2.1.so.7": "libevent-core-2.1-7"}
    run = CONTAINERFILE.split("FROM ${BASE}\n")[-1]
    for library in needed - {"libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2"}:
        assert packages[library] in run, library


def options(words):
    return dict(word.split("=", 1) for flag, word in zip(words, words[1:]) if flag == "-o")


def check_options(found, config=None):
    """The program takes these settings."""
    words = ["-c", str(config)] if config else []
    done = subprocess.run([str(BUILD / "riderwatchd"), *words, *(word for key, value in found.items() for word in ("-o", f"{key}={value}")),
                           "-o", f"rules.folder={tables.ROOT}/pipelines/rules", "-T"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_compose_services_fit_together():
    services = COMPOSE["services"]
    for name, service in services.items():
        for other in service.get("depends_on", ()):
            assert other in services, name
        assert "image" in service and not service["image"].endswith(":latest"), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (CONTAINER / source).exists(), volume
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network"
    for name in ("riderwatchd", "board"):
        service = services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["image"] == f"riderwatch:{VERSION}"
        check_options({key: value for key, value in options(service["command"]).items() if not key.endswith("_file")})
        hosts = [value.split(":")[0] for key, value in options(service["command"]).items() if key in ("kafka.brokers", "redis.host")]
        assert set(hosts) == {"kafka", "redis"} <= set(services)
    assert services["redis"]["command"][services["redis"]["command"].index("--maxmemory-policy") + 1] == "noeviction"
    assert int(services["riderwatchd"]["stop_grace_period"].rstrip("s")) > 30


def test_compose_makes_the_topics_as_the_script_does():
    text = COMPOSE["services"]["topics"]["command"][0]
    # $$ is compose's way to write $.
    shared = re.search(r'input="(.*)"', text)[1]
    for _, name, config in tables.load_script("create-topics").TOPICS:
        line = re.search(rf"make {re.escape(name)}((?: --config \S+| \$\$input)*)", text)
        assert line, name
        given = dict(pair.split("=") for pair in re.findall(r"--config (\S+)", line[1].replace("$$input", shared)))
        assert given == {key: str(value) for key, value in config.items()}, name


def test_grafana_and_prometheus_of_compose_find_their_files():
    scrape, = yaml.safe_load((CONTAINER / "prometheus.yml").read_text())["scrape_configs"]
    assert scrape["job_name"] == "riderwatch"
    host, port = scrape["static_configs"][0]["targets"][0].split(":")
    assert options(COMPOSE["services"][host]["command"])["http.listen"] == f"0.0.0.0:{port}"
    source, = yaml.safe_load((CONTAINER / "grafana-datasource.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090" and source["type"] == "prometheus"
    folder = yaml.safe_load((CONTAINER / "grafana-dashboards.yaml").read_text())["providers"][0]["options"]["path"]
    assert f"../grafana:{folder}:ro" in COMPOSE["services"]["grafana"]["volumes"]


@pytest.fixture(scope="module", params=["base", "example"])
def rendered(request):
    done = subprocess.run(["kubectl", "kustomize", str(KUBERNETES / request.param)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return request.param, list(yaml.safe_load_all(done.stdout))


def of(objects, kind):
    return {thing["metadata"]["name"]: thing for thing in objects if thing["kind"] == kind}


def pods(objects):
    return {thing["metadata"]["name"]: thing["spec"]["template"] for thing in objects if thing["kind"] in ("StatefulSet", "Deployment")}


@needs_kubectl
def test_pods_are_restricted(rendered):
    for name, pod in pods(rendered[1]).items():
        spec, container = pod["spec"], pod["spec"]["containers"][0]
        outer, inner = spec["securityContext"], container["securityContext"]
        assert outer["runAsNonRoot"] and outer["runAsUser"] == 10001 and outer["seccompProfile"]["type"] == "RuntimeDefault", name
        assert inner["readOnlyRootFilesystem"] and not inner["allowPrivilegeEscalation"] and inner["capabilities"] == {"drop": ["ALL"]}
        assert spec["automountServiceAccountToken"] is False and "memory" in container["resources"]["limits"]


@needs_kubectl
def test_references_lead_somewhere(rendered):
    _, objects = rendered
    names = {kind: set(of(objects, kind)) for kind in ("ConfigMap", "Secret", "Service", "StatefulSet", "Deployment")}
    labels = [pod["metadata"]["labels"] for pod in pods(objects).values()]

    def chosen(selector):
        return [found for found in labels if selector.items() <= found.items()]
    for pod in pods(objects).values():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        for volume in volumes.values():
            assert volume.get("configMap", {}).get("name") in names["ConfigMap"] or volume.get("secret", {}).get("secretName") in names["Secret"]
        for mount in pod["spec"]["containers"][0]["volumeMounts"]:
            assert mount["name"] in volumes and mount["readOnly"]
    for thing in objects:
        spec = thing.get("spec", {})
        for selector in (spec.get("selector"), spec.get("podSelector")):
            if selector:
                assert len(chosen(selector.get("matchLabels", selector))) == 1, thing["metadata"]["name"]
        if thing["kind"] == "ScaledObject":
            assert spec["scaleTargetRef"]["name"] in names[spec["scaleTargetRef"]["kind"]]
    for state in of(objects, "StatefulSet").values():
        assert state["spec"]["serviceName"] in names["Service"]


@needs_kubectl
def test_the_daemon_takes_its_configuration_and_its_probes_ask_what_it_serves(rendered, tmp_path):
    which, objects = rendered
    secrets = set()
    for config in of(objects, "ConfigMap").values():
        text = config["data"]["riderwatch.json"]
        for path in re.findall(r'"(/run/secrets/[^"]+)"', text):  # it must be there: here is another
            here = tmp_path / path.rpartition("/")[2]
            here.write_text("0123456789abcdef0123456789abcdef\n")
            here.chmod(0o600)
            secrets.add(path)
            text = text.replace(path, str(here))
        (tmp_path / "riderwatch.json").write_text(text)
        check_options({"kafka.instance": "riderwatchd-0"}, tmp_path / "riderwatch.json")
    done = subprocess.run([str(BUILD / "riderwatchd"), "-c", str(tmp_path / "riderwatch.json"), "-T"], capture_output=True, text=True)
    listen = re.search(r'"listen": "([^"]*):(\d+)"', done.stdout)
    container = pods(objects)["riderwatchd"]["spec"]["containers"][0]
    assert listen[1] == "0.0.0.0" and container["ports"] == [{"containerPort": int(listen[2]), "name": "metrics"}]
    served = set(re.findall(r'\{ "(/\w+)"', (tables.ROOT / "daemon/common/http.c").read_text()))
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in served and container[probe]["httpGet"]["port"] == "metrics"
    if which == "example":
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        keys = set(next(iter(of(objects, "Secret").values()))["data"])
        assert secrets
        for path in secrets:
            folder, _, name = path.rpartition("/")
            assert folder in mounted and name in keys, path


@needs_kubectl
def test_instances_are_told_apart_and_disrupted_one_by_one(rendered):
    _, objects = rendered
    state = of(objects, "StatefulSet")["riderwatchd"]["spec"]
    container = state["template"]["spec"]["containers"][0]
    assert "kafka.instance=$(POD_NAME)" in container["args"]
    assert container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert state["template"]["spec"]["terminationGracePeriodSeconds"] > 30
    assert of(objects, "PodDisruptionBudget")["riderwatchd"]["spec"]["maxUnavailable"] == 1
    assert set(of(objects, "NetworkPolicy")) == set(pods(objects))
    for policy in of(objects, "NetworkPolicy").values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"] and policy["spec"]["ingress"][0]["from"]


@needs_kubectl
def test_keda_scales_on_the_lag_of_the_group():
    objects = list(yaml.safe_load_all(subprocess.run(["kubectl", "kustomize", str(KUBERNETES / "example")], check=True,
                                                     capture_output=True, text=True).stdout))
    spec = of(objects, "ScaledObject")["riderwatchd"]["spec"]
    topics = tables.default_topics()
    assert {trigger["metadata"]["topic"] for trigger in spec["triggers"]} == {topics["reports"], topics["deliveries"]}
    assert {trigger["metadata"]["consumerGroup"] for trigger in spec["triggers"]} == {"riderwatch"}
    assert 1 <= spec["minReplicaCount"] <= of(objects, "StatefulSet")["riderwatchd"]["spec"]["replicas"] <= spec["maxReplicaCount"]
    config = of(objects, "ConfigMap")
    brokers = json.loads(re.search(r'"brokers": ("[^"]*")', next(iter(config.values()))["data"]["riderwatch.json"])[1])
    for trigger in spec["triggers"]:
        assert set(trigger["metadata"]["bootstrapServers"].split(",")) <= set(brokers.split(","))


def test_yaml_is_tidy():
    if not shutil.which("yamllint"):
        pytest.skip("apt-get install yamllint")
    rules = "{extends: default, rules: {line-length: {max: 200}, document-start: disable, braces: disable, brackets: disable, " \
            "comments: disable, commas: disable, truthy: disable, indentation: {spaces: 2}, octal-values: disable}}"
    done = subprocess.run(["yamllint", "-d", rules, "-s", str(tables.ROOT / "deploy")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
