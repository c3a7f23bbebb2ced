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
- {name: MINTWORKS_REDIS_FILE, value: /mintworks/redis/url}
- {name: MINTWORKS_LEASE_NAME, value: {{ include "mintworks.fullname" . }}}
- name: MINTWORKS_LEASE_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: MINTWORKS_IDENTITY
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: MINTWORKS_LOG_LEVEL, value: {{ .Values.operator.logLevel }}}
{{- end }}
