from tests.end_to_end.sessions import served
from tests.end_to_end.test_live_updates import DEPLOYMENT

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
