{{/* What the operator reads at its start: mintworks_operator.config. */}}
{{- define "mintworks.operatorEnv" -}}
{{- $namespaces := list }}
{{- range .Values.tenants }}{{ $namespaces = append $namespaces .namespace }}{{ end -}}
- {name: MINTWORKS_NAMESPACES, value: {{ join "," $namespaces | quote }}}
- name: MINTWORKS_IMAGES
  value: {{ dict "runner" (include "mintworks.image" (list . "runner")) | toJson | quote }}
- {name: MINTWORKS_IMAGE_PULL_POLICY, value: {{ .Values.images.runner.pullPolicy }}}
- name: MINTWORKS_RUNNER_RESOURCES
  value: {{ .Values.runner.resources | toJson | quote }}
- name: MINTWORKS_RUNNER_ALLOWED
  value: {{ .Values.runner.allowed | toJson | quote }}
{{- with .Values.concurrency.total }}
- {name: MINTWORKS_TOTAL_CONCURRENCY, value: {{ int64 . | quote }}}
{{- end }}
- name: MINTWORKS_WEBHOOKS
  value: {{ pick .Values.webhooks "allowHttp" "allowedNetworks" "refusedNetworks" | toJson | quote }}
- {name: MINTWORKS_REDIS_FILE, value: /mintworks/redis/url}
- {name: MINTWORKS_LEASE_NAME, value: {{ include "mintworks.fullname" . }}}
- name: MINTWORKS_LEASE_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: MINTWORKS_POD
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: MINTWORKS_POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
# Who has it leads at once. A container that starts again may: the one before it is dead. Another pod of its name may not.
- {name: MINTWORKS_IDENTITY, value: $(MINTWORKS_POD)_$(MINTWORKS_POD_UID)}
- {name: MINTWORKS_LOG_LEVEL, value: {{ .Values.operator.logLevel }}}
{{- end }}
