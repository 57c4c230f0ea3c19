import itertools

import pytest

from tests.end_to_end.sessions import served

SERVICES = ("catalog", "cart", "web")
ALL = ("settings", *SERVICES, "lint")


@pytest.fixture
def shop(tilt_on_cluster, new_port):
    """The command in the example, and the port of its forward."""
    tilt, port = tilt_on_cluster(example="shop"), new_port()
    tilt.edit("Tiltfile", "8200:", f"{port}:")
    return tilt, port


def containers(session):
    return {name: session.container(name) for name in SERVICES}


def updated(session, before):
    """The rows that were updated since then."""
    return {name for name, count in session.counts().items() if count != before.get(name, 0)}


def test_a_change_of_the_base_image_rebuilds_the_services_and_nothing_else(shop):
    tilt, port = shop
    with tilt.up() as session:
        session.settles(*ALL)
        before, were = session.counts(), containers(session)
        tilt.edit("base/answer", "#!/bin/sh", "#!/bin/sh\n# changed")
        session.until(lambda: updated(session, before) >= {*SERVICES, "lint"}, "the updates")
        session.settles(*ALL)
        now = containers(session)
        assert all(now[name][0] != were[name][0] for name in SERVICES)
        assert updated(session, before) == {*SERVICES, "lint"}
        assert "mushroom" in session.until(lambda: served(port, "/cgi-bin/index.cgi"), "the page")


def test_a_change_of_one_service_leaves_the_others_alone(shop):
    tilt, _ = shop
    with tilt.up() as session:
        session.settles(*ALL)
        before, were = session.counts(), containers(session)
        tilt.edit("cart/cgi-bin/items", "mushroom", "flower")
        session.until(lambda: updated(session, before) >= {"cart", "lint"}, "the update")
        session.settles(*ALL)
        now = containers(session)
        assert {name for name in SERVICES if now[name] != were[name]} == {"cart"}
        assert updated(session, before) == {"cart", "lint"}


def test_a_changed_config_map_is_applied_and_nothing_else(shop, kubectl, namespace):
    tilt, _ = shop
    with tilt.up() as session:
        session.settles(*ALL)
        before, were = session.counts(), containers(session)
        tilt.edit("backend.yaml", "CURRENCY: coins", "CURRENCY: stars")
        session.until(lambda: updated(session, before) >= {"settings"}, "the update")
        session.settles(*ALL)
        assert kubectl("get", "configmap", "shop", "-n", namespace, "-o", "jsonpath={.data.CURRENCY}") == "stars"
        assert containers(session) == were
        assert updated(session, before) == {"(Tiltfile)", "settings"}


def test_what_others_need_is_ready_before_they_start(shop):
    tilt, _ = shop
    with tilt.up() as session:
        session.settles(*ALL)
        order = [session.updates(name)[0] for name in ("settings", *SERVICES)]
        for needed, needing in itertools.pairwise(order):
            assert needed["finishTime"] <= needing["startTime"]
        said = session.output
        assert said.index("Successfully loaded Tiltfile") < said.index("catalog │ Initial Build")


def test_an_edited_tiltfile_updates_only_what_it_says_differently(shop, kubectl, namespace):
    tilt, _ = shop
    with tilt.up() as session:
        session.settles(*ALL)
        before, were = session.counts(), containers(session)
        tilt.edit("Tiltfile", "k8s_resource('catalog', ", "k8s_resource('catalog', links=['http://localhost:1/new'], ")
        session.until(lambda: updated(session, before), "the evaluation")
        session.until(lambda: "localhost:1/new" in str(session.rows()["catalog"]), "the new link")
        session.settles(*ALL)
        assert updated(session, before) == {"(Tiltfile)"}

        before = session.counts()
        tilt.edit("Tiltfile", "k8s_yaml(['backend.yaml', 'web.yaml'])", "k8s_yaml('backend.yaml')")
        tiltfile = (tilt.project.root / "Tiltfile").read_text()
        start, end = tiltfile.index("k8s_resource(\n    'web'"), tiltfile.index("local_resource('lint'")
        tilt.save("Tiltfile", tiltfile[:start] + "local_resource('new', cmd='echo new')\n\n" + tiltfile[end:])
        session.until(lambda: "web" not in session.rows(), "the end of web")
        session.settles("new")
        assert updated(session, before) == {"(Tiltfile)", "new"}
        session.until(
            lambda: not kubectl("get", "deploy,svc", "web", "-n", namespace, "--ignore-not-found"), "the deletion"
        )
        assert {name: session.container(name) for name in ("catalog", "cart")} == {
            name: were[name] for name in ("catalog", "cart")
        }


PARALLEL = """
    def service(name):
        docker_build('e2e/' + name, '.', dockerfile=name + '.dockerfile')
        k8s_yaml(blob('''
    apiVersion: v1
    kind: Pod
    metadata: {name: %s}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: e2e/%s}]
    ''' % (name, name)))
    service('one')
    service('two')
    """


def test_images_that_do_not_need_each_other_are_built_at_the_same_time(tilt_on_cluster, namespace):
    def dockerfile(name):
        return f"FROM busybox\nRUN sleep 1; echo {name} {namespace}\nENTRYPOINT sleep 1000\n"

    files = {"Tiltfile": PARALLEL, "one.dockerfile": dockerfile("one"), "two.dockerfile": dockerfile("two")}
    with tilt_on_cluster(files).up() as session:
        session.settles("one", "two")
        one, two = session.updates("one")[0], session.updates("two")[0]
        assert max(one["startTime"], two["startTime"]) < min(one["finishTime"], two["finishTime"])


def test_a_file_that_the_tiltfile_reads_is_part_of_it(tilt_alone):
    tilt = tilt_alone(
        {"Tiltfile": "local_resource(str(read_file('name.txt')).strip(), cmd='echo hello')", "name.txt": "before"}
    )
    with tilt.up() as session:
        session.settles("before")
        tilt.save("name.txt", "after")
        session.settles("after")
        assert "before" not in session.rows()
