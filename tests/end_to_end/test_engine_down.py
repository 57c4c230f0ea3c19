"""What `tilt down` leaves on the container engine."""

from tests.end_to_end.engine_side import EngineSide
from tests.end_to_end.sessions import served

PROJECT = {
    "Tiltfile": """
        docker_build("page", ".", dockerfile_contents="FROM busybox")
        k8s_yaml("all.yaml")
        k8s_resource("web", objects=["settings:configmap", "key:secret", "data:persistentvolumeclaim"])
        """,
    "all.yaml": """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {index.html: hello}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: key}
        stringData: {key: hush}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          type: LoadBalancer
          selector: {app: web}
          ports: [{port: PORT, targetPort: 8080}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              terminationGracePeriodSeconds: 0
              initContainers:
              - {name: first, image: page, command: ["true"]}
              containers:
              - name: web
                image: page
                command: [httpd, -f, -p, "8080", -h, /settings]
                volumeMounts:
                - {name: settings, mountPath: /settings}
                - {name: key, mountPath: /key}
                - {name: scratch, mountPath: /scratch}
                - {name: data, mountPath: /data}
              volumes:
              - {name: settings, configMap: {name: settings}}
              - {name: key, secret: {secretName: key}}
              - {name: scratch, emptyDir: {}}
              - {name: data, persistentVolumeClaim: {claimName: data}}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          serviceName: db
          selector: {matchLabels: {app: db}}
          template:
            metadata: {labels: {app: db}}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: db
                image: busybox
                command: [sleep, "1000"]
                volumeMounts: [{name: rows, mountPath: /rows}]
          volumeClaimTemplates:
          - metadata: {name: rows}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: once}
        spec:
          template:
            spec:
              restartPolicy: Never
              containers: [{name: once, image: busybox, command: ["true"]}]
        """,
}


def test_down_leaves_the_claims_and_nothing_else_and_no_claims_when_asked_to(tilt_on_engine, new_port, engine_host):
    port = new_port()
    tilt = tilt_on_engine({**PROJECT, "all.yaml": PROJECT["all.yaml"].replace("PORT", str(port))})
    side = EngineSide(engine_host, str(tilt.project.root))
    with tilt.up() as session:
        session.settles("web", "db", "once")
        session.until(lambda: served(port) == "hello", "the page")
    tilt.ok("down")
    kept = {"claim-default-data", "claim-default-rows-db-0"}
    assert {name.split("-", 2)[2] for name in side.left() if "-object-" not in name} == kept
    assert sum("-object-" in name for name in side.left()) == len(kept)  # that there are these claims
    tilt.ok("down", "--delete-volumes")
    assert side.left() == []
