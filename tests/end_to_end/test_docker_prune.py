TILTFILE = """\
docker_build('prune-me', '.', dockerfile_contents='FROM busybox\\nCOPY x /x\\nCMD sleep 1000')
k8s_yaml(blob('''
apiVersion: v1
kind: Pod
metadata: {name: prune-me}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: prune-me}]}
'''))
if config.tilt_subcommand == 'docker-prune':
    docker_prune_settings(keep_recent=0, max_age_mins=-1)
"""


def test_images_of_the_project_that_no_container_needs_are_removed(tilt_on_engine):
    tilt = tilt_on_engine({"Tiltfile": TILTFILE, "x": "1"})
    tilt.ok("ci")
    tilt.edit("x", "1", "2")
    tilt.ok("ci")
    said = tilt.ok("docker-prune")
    assert said.count("\t- untagged: prune-me:tilt-") == 1
    assert "\t- deleted: sha256:" in said
    tilt.ok("down")
    assert tilt.ok("docker-prune").count("\t- untagged: prune-me:tilt-") == 1
    assert "[Docker Prune] removed 0 images, reclaimed 0B" in tilt.ok("docker-prune")
