{{/* The pod, the same in the Deployment and in the DaemonSet. */}}

{{/* A probe without what is the chart's own or was not said. A list of the probe, the path and the port. */}}
{{- define "interlocal.probe" -}}
{{- $probe := dict -}}
{{- range $key, $value := omit (index . 0) "enabled" "httpGet" }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $probe $key $value }}{{ end }}
{{- end -}}
{{- $get := dict "path" (index . 1) "port" (index . 2) "scheme" "HTTP" -}}
{{- toYaml (set $probe "httpGet" (mergeOverwrite $get (index . 0).httpGet)) -}}
{{- end -}}

{{/* Its listeners. Names are those of CoreDNS's pods, which Services, probes and policies go by. */}}
{{- define "interlocal.ports" -}}
{{- with .Values.ports -}}
{{- with .dns }}
- {name: dns, containerPort: {{ . }}, protocol: UDP}
- {name: dns-tcp, containerPort: {{ . }}, protocol: TCP}
{{- end }}
{{- with .metrics }}
- {name: metrics, containerPort: {{ . }}, protocol: TCP}
{{- end }}
{{- with .health }}
- {name: liveness-probe, containerPort: {{ . }}, protocol: TCP}
{{- end }}
{{- with .ready }}
- {name: readiness-probe, containerPort: {{ . }}, protocol: TCP}
{{- end }}
{{- with .peers }}
- {name: peers, containerPort: {{ . }}, protocol: UDP}
- {name: peers-tcp, containerPort: {{ . }}, protocol: TCP}
{{- end }}
{{- with .peersTls }}
- {name: peers-tls, containerPort: {{ . }}, protocol: TCP}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "interlocal.pod" -}}
metadata:
  labels:
    {{- include "interlocal.selector" . | nindent 4 }}
    {{- with mergeOverwrite (dict) .Values.customLabels .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "interlocal.annotations" (list . .Values.podAnnotations) }}
  {{- . | nindent 2 }}
  {{- end }}
spec:
  {{- with include "interlocal.priorityClassName" . }}
  priorityClassName: {{ . }}
  {{- end }}
  serviceAccountName: {{ include "interlocal.serviceAccountName" . }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- $dnsConfig := mergeOverwrite (dict) .Values.dnsConfig .Values.deployment.dnsConfig }}
  dnsPolicy: {{ ternary .Values.deployment.dnsPolicy "None" (empty $dnsConfig) }}
  {{- with $dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "interlocal.gracePeriod" . }}
  {{- with .Values.affinity }}
  affinity:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "interlocal.tolerations" . }}
  tolerations:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with include "interlocal.spread" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with include "interlocal.podSecurityContext" . }}
  securityContext:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  containers:
  - name: interlocal
    image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
    - serve
    {{- with .Values.extraArgs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    env:
    # Which row of the table this cluster is. Without the ConfigMap there is no own region.
    - name: INTERLOCAL_REGION
      {{- if .Values.region }}
      value: {{ .Values.region | quote }}
      {{- else }}
      valueFrom:
        configMapKeyRef:
          name: {{ default (printf "%s-region" (include "interlocal.fullname" .)) .Values.regionConfigMap.name }}
          key: region
          optional: true
      {{- end }}
    # Who answers, for `dig +nsid` and `hostname.bind`.
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    {{- with .Values.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with include "interlocal.ports" . }}
    ports:
    {{- trim . | nindent 4 }}
    {{- end }}
    {{- if .Values.livenessProbe.enabled }}
    livenessProbe:
      {{- include "interlocal.probe" (list .Values.livenessProbe "/health" "liveness-probe") | nindent 6 }}
    {{- end }}
    {{- if .Values.readinessProbe.enabled }}
    readinessProbe:
      {{- include "interlocal.probe" (list .Values.readinessProbe "/ready" "readiness-probe") | nindent 6 }}
    {{- end }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
    - {name: config, mountPath: /etc/interlocal, readOnly: true}
    {{- range .Values.extraSecrets }}
    - {name: {{ .name }}, mountPath: {{ .mountPath }}, readOnly: true}
    {{- end }}
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.extraContainers }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
  volumes:
  # One folder of two ConfigMaps. A pod starts without the second: a missing table never stops local DNS.
  - name: config
    projected:
      sources:
      - configMap:
          name: {{ include "interlocal.fullname" . }}
          items: [{key: interlocal.yaml, path: interlocal.yaml}]
      - configMap:
          name: {{ include "interlocal.peersConfigMap" . }}
          items: [{key: peers.yaml, path: peers.yaml}]
          optional: true
  {{- range .Values.extraSecrets }}
  - name: {{ .name }}
    secret:
      secretName: {{ .name }}
      {{- with .defaultMode }}
      defaultMode: {{ . }}
      {{- end }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
