{{- define "daydream.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- /* 50, not 63: the longest suffix, -synthesizer, and the hash of a pod come after it */ -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- /* Labels of every object. Only what never changes is in the selectors below, which can't be changed. */ -}}
{{- define "daydream.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: daydream
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "daydream.all" . }}
{{- end }}

{{- /* Selects all pods of the release. */ -}}
{{- define "daydream.all" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Selects the pods of one service: (list $ name) */ -}}
{{- define "daydream.selector" -}}
{{ include "daydream.all" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* A service's values over the defaults, as JSON: (list $ name) */ -}}
{{- define "daydream.service" -}}
{{- $values := (index . 0).Values -}}
{{- $service := mergeOverwrite (deepCopy $values.defaults) (get $values.services (index . 1) | default dict) -}}
{{- ternary (omit $service "storage") $service (ne $values.weaviate.url "") | toJson -}}
{{- end }}

{{- /* A value as the text of an environment variable: a list is written with commas. */ -}}
{{- define "daydream.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else }}{{ toString . }}{{ end -}}
{{- end }}

{{- /* Whether KEDA sets the number of its pods; empty for no: (list $ name) */ -}}
{{- define "daydream.scaled" -}}
{{- $keda := (index . 0).Values.keda -}}
{{- if and $keda.enabled (hasKey $keda.services (index . 1)) }}true{{ end -}}
{{- end }}

{{- /* The ports of URLs, as JSON: (list urls default) */ -}}
{{- define "daydream.ports" -}}
{{- $ports := list -}}
{{- range index . 0 -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (index $ 1) | int) -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end }}
