from tests.end_to_end.sessions import served
from tests.end_to_end.test_live_updates import DOCKERFILE
from tests.end_to_end.texts import DEPLOYMENT

APPLY = """
    sed "s|e2e/web|$TILT_IMAGE_0|" web.yaml | kubectl apply -n {namespace} -f - >&2
    kubectl get -n {namespace} -f web.yaml -o yaml
    """


def project(namespace: str, port: int) -> dict[str, str]:
    return {
        "web.yaml": DEPLOYMENT,
        "apply.sh": APPLY.format(namespace=namespace),
        "Dockerfile": DOCKERFILE,
        "page/index.html": "first\n",
        "Tiltfile": f"""
            docker_build('e2e/web', '.', only=['page'])
            k8s_custom_deploy(
                'web',
                apply_cmd=['sh', '-e', 'apply.sh'],
                delete_cmd='kubectl delete -n {namespace} --ignore-not-found -f web.yaml && echo gone > deleted',
                deps=['web.yaml'],
                image_deps=['e2e/web'],
            )
            k8s_resource('web', port_forwards='{port}:8000')
            """,
    }


def test_a_resource_that_commands_deploy_is_built_shown_forwarded_and_deleted(tilt_on_cluster, namespace, new_port):
    port = new_port()
    tilt = tilt_on_cluster(project(namespace, port))
    with tilt.up() as session:
        session.settles("web")
        session.until(lambda: served(port) == "first\n", "the page")
        assert session.pods("web")[0]["namespace"] == namespace
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the page of another build")
        tilt.edit("web.yaml", "metadata: {labels: {app: web}}", "metadata: {labels: {app: web, more: 'yes'}}")
        session.until(lambda: len(session.strategies("web")) == 3, "another deployment")
    assert "Running cmd: kubectl delete" in tilt.ok("down")
    assert (tilt.project.root / "deleted").exists()


def test_its_containers_are_updated_in_place(tilt_on_cluster, namespace, new_port):
    port = new_port()
    serve = 'command: [sh, -c, "mkdir /page; exec httpd -f -p 8000 -h /page"]'
    files = project(namespace, port) | {
        "web.yaml": DEPLOYMENT.replace("image: e2e/web", f'image: "busybox:latest", {serve}'),
        "Tiltfile": f"""
            k8s_custom_deploy(
                'web',
                apply_cmd=['sh', '-e', 'apply.sh'],
                delete_cmd='true',
                deps=['web.yaml', 'page'],
                live_update=[sync('page', '/page')],
                container_selector='web',
            )
            k8s_resource('web', port_forwards='{port}:8000')
            """,
    }
    tilt = tilt_on_cluster(files)
    with tilt.up() as session:
        session.settles("web")
        container = session.container("web")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the synced page")
        assert session.container("web") == container
        assert session.strategies("web") == ["full", "live"]


def test_a_command_that_fails_makes_its_resource_red_and_is_run_again_when_it_changes(
    tilt_on_cluster, kubectl, namespace
):
    tilt = tilt_on_cluster(
        {
            "apply.sh": "echo cannot do this >&2; exit 3\n",
            "Tiltfile": "k8s_custom_deploy('web', 'sh apply.sh', 'true', deps=['apply.sh'])",
        }
    )
    with tilt.up() as session:
        assert "apply command exited with status 3" in session.fails("web")
        session.says("cannot do this")
        config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colors, namespace: " + namespace + "}\n"
        tilt.save("colors.yaml", config)
        tilt.save("apply.sh", "kubectl apply -f colors.yaml >&2 && kubectl get -f colors.yaml -o yaml\n")
        session.says("colors:configmap")
        kubectl("delete", "configmap", "colors", "-n", namespace)
        session.says("configmap/colors was deleted by somebody else; its apply command runs again")
        session.until(lambda: "colors" in kubectl("get", "configmaps", "-n", namespace), "the object that was deleted")
