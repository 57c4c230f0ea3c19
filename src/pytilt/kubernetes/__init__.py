"""The cluster seam over the Kubernetes API.

Here belongs what knows Kubernetes as a server: kubeconfig and credentials, requests, watches, logs, exec, port
forwards, the products (kind, minikube, …). Not here: rules about objects that hold for every cluster (`cluster`).
"""
