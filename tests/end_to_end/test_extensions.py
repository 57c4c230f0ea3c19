from tests.end_to_end.sessions import served
from tests.end_to_end.texts import DEPLOYMENT

EXTENSION = """
    def docker_build_with_restart(ref, context, entrypoint, live_update, **more):
        base = ref + '-base'
        docker_build(base, context, **more)
        words = ['/tilt-restart-wrapper', '--watch_file=/tmp/.restart-proc'] + entrypoint
        text = '''
        FROM tiltdev/restart-helper:2025-02-17 as restart-helper
        FROM {base}
        RUN ["touch", "/tmp/.restart-proc"]
        COPY --from=restart-helper /tilt-restart-wrapper /
        COPY --from=restart-helper /entr /
        '''.format(base=base)
        docker_build(
            ref, os.getcwd(), dockerfile_contents=text, entrypoint=words,
            live_update=live_update + [run('date > /tmp/.restart-proc')],
        )
    """


def project(port: int) -> dict[str, str]:
    return {
        "extensions/restart/Tiltfile": EXTENSION,
        "web.yaml": DEPLOYMENT,
        "Dockerfile": "FROM busybox\nADD page /page\nRUN mkdir -p /www /tmp\n",
        "page/index.html": "first\n",
        "Tiltfile": f"""
            v1alpha1.extension_repo(name='default', url='file://' + config.main_dir + '/extensions')
            load('ext://restart', 'docker_build_with_restart')
            docker_build_with_restart(
                'e2e/web', '.', only=['page'],
                entrypoint=['sh', '-c', 'cp /page/* /www; exec busybox httpd -f -p 8000 -h /www'],
                live_update=[sync('page', '/page')],
            )
            k8s_yaml('web.yaml')
            k8s_resource('web', port_forwards='{port}:8000')
            """,
    }


def restarts_in_place(tilt, port: int) -> None:
    """The program copies its page when it starts: only a new start serves what was synced."""
    with tilt.up() as session:
        session.settles("web")
        container = session.container("web")
        session.until(lambda: served(port) == "first\n", "the page")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the page of a program that was started again")
        assert session.container("web") == container
        assert session.strategies("web") == ["full", "live"]


def test_a_process_is_restarted_in_place_by_the_wrapper_of_restart_process(tilt_on_cluster, new_port):
    port = new_port()
    restarts_in_place(tilt_on_cluster(project(port)), port)


def test_a_process_is_restarted_in_place_on_the_engine_too(tilt_on_engine, new_port):
    port = new_port()
    restarts_in_place(tilt_on_engine(project(port)), port)


OBJECTS = """
    def namespace_create(name):
        k8s_yaml(encode_yaml({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}}))

    def namespace_inject(text, name):
        found = decode_yaml_stream(text)
        for each in found:
            each['metadata']['namespace'] = name
        return encode_yaml_stream(found)

    def configmap_create(name, namespace, from_file):
        watch_file(from_file)
        words = ['kubectl', 'create', 'configmap', name, '--dry-run=client', '-o=yaml', '-n', namespace]
        k8s_yaml(local(words + ['--from-file', from_file], quiet=True))

    def secret_from_dict(name, namespace, inputs):
        return encode_yaml({'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': name, 'namespace': namespace},
            'stringData': inputs})
    """


def test_objects_that_extensions_make_follow_their_files_and_go_with_the_project(tilt_on_cluster, kubectl, namespace):
    more = f"{namespace}-more"
    tilt = tilt_on_cluster(
        {
            "extensions/objects/Tiltfile": OBJECTS,
            "colors.ini": "sky = blue\n",
            "plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n",
            "Tiltfile": f"""
                v1alpha1.extension_repo(name='default', url='file://' + config.main_dir + '/extensions')
                load('ext://objects', 'namespace_create', 'namespace_inject', 'configmap_create', 'secret_from_dict')
                namespace_create('{more}')
                k8s_yaml(namespace_inject(read_file('plain.yaml'), '{more}'))
                configmap_create('colors', '{more}', 'colors.ini')
                k8s_yaml(secret_from_dict('keys', '{more}', inputs={{'TOKEN': 'hush hush'}}))
                """,
        }
    )

    def seen(what: str, path: str) -> str:
        found: str = kubectl("get", what, "-n", more, "-o", f"jsonpath={path}")
        return found

    with tilt.up() as session:
        session.settles("uncategorized")
        assert seen("configmap/colors", r"{.data.colors\.ini}") == "sky = blue\n"
        assert seen("configmap/plain", "{.metadata.name}") == "plain"
        tilt.save("colors.ini", "sky = grey\n")
        session.until(lambda: seen("configmap/colors", r"{.data.colors\.ini}") == "sky = grey\n", "the other colour")
        assert "hush" not in session.output + tilt.ok("get", "ka", "uncategorized", "-o", "yaml")
    assert f"Namespace/{more}" in tilt.ok("down")
