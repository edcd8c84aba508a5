{{/* Names and labels. The names of the values are those of the CoreDNS chart. */}}

{{- define "interlocal.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What most objects are called: the release, if that says what it is. */}}
{{- define "interlocal.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "interlocal.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "interlocal.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "interlocal.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "interlocal.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "interlocal.clusterRoleName" -}}
{{- default (include "interlocal.fullname" .) .Values.clusterRole.nameOverride -}}
{{- end -}}

{{- define "interlocal.deploymentName" -}}
{{- default (include "interlocal.fullname" .) .Values.deployment.name -}}
{{- end -}}

{{- define "interlocal.peersConfigMap" -}}
{{- default (printf "%s-peers" (include "interlocal.fullname" .)) .Values.peersConfigMap.name -}}
{{- end -}}

{{/* What Helm wants to find its objects by. */}}
{{- define "interlocal.ofHelm" -}}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- with .Values.customLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
What the pods are selected by. A cluster has one cluster service, so it needs no name of the release; without one, the selector
is that of deploy/base, and who applied that may go on with this chart.
*/}}
{{- define "interlocal.selector" -}}
{{- if .Values.isClusterService -}}
k8s-app: {{ .Values.k8sAppLabelOverride | quote }}
{{- else -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}
app.kubernetes.io/name: {{ include "interlocal.name" . | quote }}
{{- end -}}

{{- define "interlocal.labels" -}}
{{ include "interlocal.selector" . }}
{{ include "interlocal.ofHelm" . }}
{{- end -}}

{{/* `annotations:` of an object: its own, and those of all. A list of the root and its own. */}}
{{- define "interlocal.annotations" -}}
{{- $root := index . 0 -}}
{{- with mergeOverwrite (dict) $root.Values.customAnnotations (default (dict) (index . 1)) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
