{{/* What depends on the way it runs: a Deployment, a DaemonSet, with other regions coming in through a load balancer. */}}

{{- define "interlocal.rollingUpdate" -}}
{{- $usual := dict "maxSurge" 1 "maxUnavailable" 0 -}}
{{- if .Values.daemonset.enabled -}}
{{- $usual = dict "maxSurge" "10%" "maxUnavailable" 0 -}}
{{- end -}}
{{- toYaml (mergeOverwrite $usual .Values.rollingUpdate) -}}
{{- end -}}

{{- define "interlocal.minReadySeconds" -}}
{{- if not (kindIs "invalid" .Values.minReadySeconds) -}}
{{- .Values.minReadySeconds -}}
{{- else if .Values.peersService.enabled -}}
180
{{- else -}}
10
{{- end -}}
{{- end -}}

{{- define "interlocal.gracePeriod" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- ternary 180 30 .Values.peersService.enabled -}}
{{- else -}}
{{- .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{- define "interlocal.priorityClassName" -}}
{{- if kindIs "invalid" .Values.priorityClassName -}}
{{- ternary "system-node-critical" "system-cluster-critical" .Values.daemonset.enabled -}}
{{- else -}}
{{- .Values.priorityClassName -}}
{{- end -}}
{{- end -}}

{{- define "interlocal.tolerations" -}}
{{- if not (kindIs "invalid" .Values.tolerations) -}}
{{- with .Values.tolerations }}{{ toYaml . }}{{ end -}}
{{- else if .Values.daemonset.enabled -}}
- operator: Exists
{{- else -}}
- key: CriticalAddonsOnly
  operator: Exists
- key: node-role.kubernetes.io/control-plane
  effect: NoSchedule
{{- end -}}
{{- end -}}

{{/* Rows without a selector spread these pods, those of one template among themselves. */}}
{{- define "interlocal.spread" -}}
{{- $own := dict "matchLabels" (include "interlocal.selector" . | fromYaml) -}}
{{- $rows := .Values.topologySpreadConstraints -}}
{{- if and (kindIs "invalid" $rows) (not .Values.daemonset.enabled) -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" -}}
{{- $rows = append (default (list) $rows) (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash")) -}}
{{- end -}}
{{- end -}}
{{- $whole := list -}}
{{- range $rows -}}
{{- $whole = append $whole (merge (dict) . (dict "labelSelector" $own)) -}}
{{- end -}}
{{- if $whole }}{{ tpl (toYaml $whole) . }}{{ end -}}
{{- end -}}

{{/* Port 53 without root and without a capability. On the node's own network no kubelet allows it. */}}
{{- define "interlocal.podSecurityContext" -}}
{{- $given := deepCopy .Values.podSecurityContext -}}
{{- if and .Values.ports.dns (lt (int .Values.ports.dns) 1024) (not .Values.hostNetwork) (not (hasKey $given "sysctls")) -}}
{{- $_ := set $given "sysctls" (list (dict "name" "net.ipv4.ip_unprivileged_port_start" "value" (toString .Values.ports.dns))) -}}
{{- end -}}
{{- with $given }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* interlocal.yaml: what the chart knows, under what was said. */}}
{{- define "interlocal.config" -}}
{{- $listen := dict "admin" "127.0.0.1:9154" -}}
{{- range $key := list "health" "ready" "metrics" -}}
{{- $port := get $.Values.ports $key -}}
{{- $_ := set $listen $key (empty $port | ternary "" (printf ":%v" $port)) -}}
{{- end -}}
{{- range $key := list "dns" "peers" -}}
{{- $port := get $.Values.ports $key -}}
{{- $_ := set $listen $key (empty $port | ternary list (list (printf ":%v" $port))) -}}
{{- end -}}
{{- $shutdown := dict "lameduck" (ternary "150s" "10s" .Values.peersService.enabled) -}}
{{- toYaml (mergeOverwrite (dict "listen" $listen "shutdown" $shutdown) (deepCopy .Values.config)) -}}
{{- end -}}
