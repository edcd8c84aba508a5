{{/* Values that cannot be as they are said. One that is not obeyed would be worse than none: each says what to use in its place. */}}

{{- define "interlocal.refused" -}}
{{- $values := .Values -}}
{{- $instead := dict
  "servers" "interlocal has no plugins: what a server block forwards belongs in config.forward, its cache in config.cache, its kubernetes options in config.kubernetes, and stanzas for other regions become rows of peers.regions"
  "extraConfig" "there is no Corefile to add to: say it in config, and mount what it names with extraVolumes and extraVolumeMounts"
  "zoneFiles" "interlocal serves no zone files: leave them at a server that does, and name it in config.forward as {zone: example.com, to: [ADDRESS]}"
  "preStopSleep" "the image has no shell, and none is needed: the pod answers for config.shutdown.lameduck after it was told to end, and is not ready meanwhile"
  "autoscaling" "this is hpa: {enabled: true, minReplicas, maxReplicas, metrics}"
  "keda" "make the ScaledObject yourself, with the Deployment as its target"
  "cilium" "make the CiliumLocalRedirectPolicy yourself, or see examples/node-local.yaml" -}}
{{- range $key, $what := $instead -}}
{{- if hasKey $values $key -}}
{{- fail (printf "\n\n%s is a value of the CoreDNS chart that cannot be had here: %s.\n" $key $what) -}}
{{- end -}}
{{- end -}}
{{- if hasKey .Values.rbac "pspEnable" -}}
{{- fail "\n\nrbac.pspEnable cannot be had here: Kubernetes has no PodSecurityPolicy since 1.25. The pods satisfy the Pod Security Standard \"restricted\" as they are, but for hostNetwork.\n" -}}
{{- end -}}
{{- if hasKey .Values.rbac "multiclusterEnable" -}}
{{- fail "\n\nrbac.multiclusterEnable cannot be had here: other clusters are rows of peers.regions, not ServiceImports.\n" -}}
{{- end -}}
{{- if and .Values.hpa.enabled .Values.autoscaler.enabled -}}
{{- fail "\n\nhpa.enabled and autoscaler.enabled would undo each other's work: take one.\n" -}}
{{- end -}}
{{- if and .Values.daemonset.enabled (or .Values.hpa.enabled .Values.autoscaler.enabled) -}}
{{- fail "\n\ndaemonset.enabled is one pod on each node: hpa.enabled and autoscaler.enabled have nothing to say there.\n" -}}
{{- end -}}
{{- if and .Values.peersService.enabled (not .Values.ports.peers) -}}
{{- fail "\n\npeersService.enabled needs ports.peers, the door that it leads to.\n" -}}
{{- end -}}
{{- if and .Values.peersService.tlsPort (not .Values.ports.peersTls) -}}
{{- fail "\n\npeersService.tlsPort needs ports.peersTls, and config.listen.peers_tls with its certificate.\n" -}}
{{- end -}}
{{- range $probe := list "livenessProbe" "readinessProbe" -}}
{{- $port := ternary $values.ports.health $values.ports.ready (eq $probe "livenessProbe") -}}
{{- $own := get $values $probe -}}
{{- if and $own.enabled (not $port) (not $own.httpGet.port) -}}
{{- fail (printf "\n\n%s needs its port of `ports`, or httpGet.port.\n" $probe) -}}
{{- end -}}
{{- end -}}
{{- $lameduck := (include "interlocal.config" . | fromYaml).shutdown.lameduck -}}
{{- if regexMatch "^[0-9]+s$" (toString $lameduck) -}}
{{- if le (int (include "interlocal.gracePeriod" .)) (int (trimSuffix "s" $lameduck)) -}}
{{- fail (printf "\n\nterminationGracePeriodSeconds is %s: pods would be killed within their config.shutdown.lameduck of %s.\n" (include "interlocal.gracePeriod" .) $lameduck) -}}
{{- end -}}
{{- end -}}
{{- end -}}
