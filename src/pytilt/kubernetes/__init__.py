"""The cluster seam over the Kubernetes API.

Here belongs what knows Kubernetes as a server: kubeconfig and credentials, requests, watches, logs, exec, port
forwards, the products (kind, minikube, …). Not here: rules about objects that hold for every cluster (`cluster`).

Whoever puts the program together reads the connection once (`connecting.read_connection`), enters a `KubernetesApi`
around everything, and hands out the `KubernetesCluster` and `KubernetesContainers` that speak through it.
What a command or a Tiltfile asks before it connects is in `kubeconfig` and `products`, which import nothing slow.
"""
