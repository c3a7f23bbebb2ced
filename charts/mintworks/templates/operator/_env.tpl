{{/* What the operator reads at its start: mintworks_operator.config. */}}
{{- define "mintworks.operatorEnv" -}}
{{- $namespaces := list }}
{{- range .Values.tenants }}{{ $namespaces = append $namespaces .namespace }}{{ end -}}
- {name: MINTWORKS_NAMESPACES, value: {{ join "," $namespaces | quote }}}
{{- end }}
