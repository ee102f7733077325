/**
 * What a sentinel without a Deployment gets, unless the operator has a template.
 * Hydra adds its labels and annotations, the namespace, and of the container the
 * image and the resources, so they need not be here.
 */
export const DEFAULT_TEMPLATE = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{name}}
spec:
  replicas: {{replicas}}
  selector:
    matchLabels:
      hydra.dev/sentinel.id: {{sentinel_id}}
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  template:
    metadata:
      labels:
        app.kubernetes.io/managed-by: hydra
        app.kubernetes.io/component: sentinel
        hydra.dev/sentinel.id: {{sentinel_id}}
    spec:
      containers:
        - name: {{container}}
          image: {{image}}
          ports:
            - name: http
              containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: {{name}}
spec:
  selector:
    hydra.dev/sentinel.id: {{sentinel_id}}
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{name}}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      hydra.dev/sentinel.id: {{sentinel_id}}
`;
