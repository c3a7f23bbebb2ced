{{/* Names */}}
{{- define "mintworks.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mintworks.redisName" -}}
{{ include "mintworks.fullname" . }}-redis
{{- end }}

{{/* The Secret, in the release's namespace, that holds the operator's Redis URL. */}}
{{- define "mintworks.operatorRedisSecret" -}}
{{- if .Values.redis.enabled -}}
{{ include "mintworks.redisName" . }}-operator
{{- else -}}
{{ .Values.redis.external.secretName }}
{{- end -}}
{{- end }}

{{- define "mintworks.operatorRedisKey" -}}
{{ .Values.redis.enabled | ternary "url" .Values.redis.external.key }}
{{- end }}

{{/* The Secret, in the release's namespace, with what webhooks are signed by; empty where they are off. */}}
{{- define "mintworks.webhooksSecret" -}}
{{- if .Values.webhooks.secretName -}}
{{ .Values.webhooks.secretName }}
{{- else if .Values.webhooks.seed -}}
{{ include "mintworks.fullname" . }}-webhooks
{{- end -}}
{{- end }}

{{/* Labels. The selector of a workload adds its app.kubernetes.io/component. */}}
{{- define "mintworks.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mintworks.labels" -}}
{{ include "mintworks.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.extraLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Which release has a tenant's namespace: on everything in it whose name no release chooses (tenants/served-once.yaml). */}}
{{- define "mintworks.servedBy" -}}
mintworks.dev/served-by: {{ .Release.Namespace }}/{{ .Release.Name }}
{{- end }}

{{/* An image of .Values.images: called with (list $ "operator"). Ours have the chart's appVersion as their default tag. */}}
{{- define "mintworks.image" -}}
{{- $root := index . 0 }}
{{- $image := index $root.Values.images (index . 1) }}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) }}
{{- end }}

{{/* Security contexts of the restricted profile. */}}
{{- define "mintworks.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "mintworks.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where a workload's pods may run: called with the workload's values. */}}
{{- define "mintworks.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "mintworks.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Plural names of our resources, read from the CRDs, as a JSON object {all: […], jobs: […]}. A new kind needs no edit here. */}}
{{- define "mintworks.resources" -}}
{{- $all := list }}
{{- $jobs := list }}
{{- range $path, $_ := .Files.Glob "files/crds/*.yaml" }}
{{- $plural := ($.Files.Get $path | fromYaml).spec.names.plural }}
{{- $all = append $all $plural }}
{{- if not (has $plural (list "jobqueues" "jobschedules")) }}
{{- $jobs = append $jobs $plural }}
{{- end }}
{{- end }}
{{- dict "all" $all "jobs" $jobs "statuses" (regexReplaceAll "([^ ]+)" (join " " $all) "${1}/status" | splitList " ") | toJson }}
{{- end }}

{{/*
The password of a Redis user: sha256 of the installer's seed and the user's scope, called with (list $ "NAMESPACE").
No namespace has a slash, so "/operator" stands for the operator alone.
*/}}
{{- define "mintworks.redisPassword" -}}
{{- $root := index . 0 }}
{{- printf "%s/%s" $root.Values.redis.seed (index . 1) | sha256sum }}
{{- end }}

{{/* A Redis URL: called with (list $ USER SCOPE). */}}
{{- define "mintworks.redisUrl" -}}
{{- $root := index . 0 }}
{{- $password := include "mintworks.redisPassword" (list $root (index . 2)) }}
{{- printf "redis://%s:%s@%s.%s.svc:6379/0" (index . 1) $password (include "mintworks.redisName" $root) $root.Release.Namespace }}
{{- end }}

{{/* The SHA-256 of what Redis reads at its start: of the contents alone, since labels name the chart's version. */}}
{{- define "mintworks.redisChecksum" -}}
{{- $contents := list }}
{{- range splitList "\n---\n" (include (print .Template.BasePath "/redis/config.yaml") .) }}
{{- $object := fromYaml . }}
{{- $contents = concat $contents (list $object.data $object.stringData) }}
{{- end }}
{{- $contents | toJson | sha256sum }}
{{- end }}

{{/* What cannot be said in values.schema.json: each failure says what to do. */}}
{{- define "mintworks.validate" -}}
{{- if .Values.redis.enabled }}
{{- if not .Values.redis.seed }}
{{- fail "\n\nredis.seed is empty. Every Redis password is derived from it; a random one would change at each GitOps sync.\nSet it to a secret of your own of at least 16 characters, for example:\n  helm upgrade --install mintworks charts/mintworks --set redis.seed=\"$(openssl rand -hex 32)\"\nand keep it: another seed means other passwords, and running jobs wait until their pods have the new ones.\n" }}
{{- end }}
{{- if lt (len .Values.redis.seed) 16 }}
{{- fail (printf "redis.seed has %d characters; at least 16 are needed, because every Redis password is derived from it" (len .Values.redis.seed)) }}
{{- end }}
{{- else if not .Values.redis.external.secretName }}
{{- fail "redis.enabled is false: name the Secret that holds the operator's Redis URL in redis.external.secretName" }}
{{- end }}
{{- $seen := dict }}
{{- range .Values.tenants }}
{{- if hasKey $seen .namespace }}
{{- fail (printf "tenants: namespace %s is listed twice" .namespace) }}
{{- end }}
{{- $_ := set $seen .namespace true }}
{{- if and .createNamespace (eq .namespace $.Release.Namespace) }}
{{- fail (printf "tenants: %s is the release's own namespace; leave out its createNamespace and use helm's --create-namespace" .namespace) }}
{{- end }}
{{- end }}
{{- end }}
