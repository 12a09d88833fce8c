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

{{- /* The services that ask models, as JSON. Each has an entry of its name in the Secret of stage keys. */ -}}
{{- define "daydream.stages" -}}
["synthesizer", "critic", "oracle", "memory"]
{{- end }}

{{- /* The URL of the gateway: (list $ domain), with an empty domain for callers in the namespace. */ -}}
{{- define "daydream.gatewayUrl" -}}
{{- $port := (include "daydream.service" (list (index . 0) "gateway") | fromJson).servicePort | int -}}
http://{{ include "daydream.fullname" (index . 0) }}-gateway{{ index . 1 }}{{ if ne $port 80 }}:{{ $port }}{{ end }}/v1
{{- end }}

{{- /* The command that creates the Secret of stage keys: (list namespace name) */ -}}
{{- define "daydream.createStageKeys" -}}
kubectl -n {{ index . 0 }} create secret generic {{ index . 1 }}
{{- range include "daydream.stages" . | fromJsonArray }} --from-literal={{ . }}=$(openssl rand -hex 32){{ end }}
{{- end }}

{{- /* Fails if the connection to NATS would be neither encrypted nor allowed to be plain, or has no users. */ -}}
{{- define "daydream.checkNats" -}}
{{- $nats := .Values.nats -}}
{{- if and (not $nats.allowPlain) (not $nats.tls.existingSecret) -}}
{{- range $nats.urls -}}
{{- if not (or (hasPrefix "tls://" .) (hasPrefix "wss://" .)) -}}
{{- fail (printf "nats.urls: %s is not encrypted. Write tls:// there, or set nats.tls.existingSecret; or nats.allowPlain=true if no one else can read that network" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $nats.users.enabled (not $nats.users.existingSecret) -}}
{{- fail (printf "nats.users.existingSecret is required: --set nats.users.existingSecret=daydream-nats-users. Create that Secret first: %s. Or set nats.users.enabled=false" (include "daydream.createNatsUsers" (list .Release.Namespace "daydream-nats-users"))) -}}
{{- end -}}
{{- end }}

{{- /* The commands that create the Secret of NATS users: (list namespace name) */ -}}
{{- define "daydream.createNatsUsers" -}}
daydream-nats-users --folder nats-users && kubectl -n {{ index . 0 }} create secret generic {{ index . 1 }} --from-file=nats-users
{{- end }}

{{- /* The settings of the connection to NATS, as JSON; without the key of a user. */ -}}
{{- define "daydream.natsSettings" -}}
{{- $nats := .Values.nats -}}
{{- $settings := dict
      "DAYDREAM_NATS_URL" (required "nats.urls is required: the URLs of NATS with JetStream, for example --set nats.urls={tls://nats:4222}" (join "," $nats.urls))
      "DAYDREAM_TENANT" $nats.tenant -}}
{{- if $nats.allowPlain }}{{ $_ := set $settings "DAYDREAM_NATS_ALLOW_PLAIN" "true" }}{{ end -}}
{{- if $nats.tls.existingSecret }}{{ $_ := set $settings "DAYDREAM_NATS_CA_FILE" "/run/daydream/ca.crt" }}{{ end -}}
{{- if $nats.tls.clientSecret -}}
{{- $_ := set $settings "DAYDREAM_NATS_CERTIFICATE_FILE" "/run/daydream/tls.crt" -}}
{{- $_ := set $settings "DAYDREAM_NATS_CERTIFICATE_KEY_FILE" "/run/daydream/tls.key" -}}
{{- end -}}
{{- if $nats.users.enabled -}}
{{- $setting := ternary "DAYDREAM_NATS_NKEY_FILE" "DAYDREAM_NATS_CREDENTIALS_FILE" (eq $nats.users.kind "nk") -}}
{{- $_ := set $settings $setting (printf "/run/daydream/user.%s" $nats.users.kind) -}}
{{- end -}}
{{- toJson $settings -}}
{{- end }}

{{- /* Whether pods need a volume for NATS; empty for no. */ -}}
{{- define "daydream.hasNatsFiles" -}}
{{- if or .Values.nats.users.enabled .Values.nats.tls.existingSecret .Values.nats.tls.clientSecret }}true{{ end -}}
{{- end }}

{{- /* The volume with a user's key and the certificates for NATS: (list $ user secret). Each pod gets its own key only. */ -}}
{{- define "daydream.natsVolume" -}}
{{- $nats := (index . 0).Values.nats -}}
- name: nats
  projected:
    # 0440: the group is that of the pod, so that its user may read them
    defaultMode: 0440
    sources:
      {{- if $nats.users.enabled }}
      - secret:
          name: {{ index . 2 | default $nats.users.existingSecret }}
          items: [{key: {{ index . 1 }}.{{ $nats.users.kind }}, path: user.{{ $nats.users.kind }}}]
      {{- end }}
      {{- with $nats.tls.existingSecret }}
      - secret:
          name: {{ . }}
          items: [{key: {{ $nats.tls.caKey | quote }}, path: ca.crt}]
      {{- end }}
      {{- with $nats.tls.clientSecret }}
      - secret:
          name: {{ . }}
          items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
      {{- end }}
{{- end }}

{{- /* Fails if one Secret has two purposes, or if a service would get entries that are not meant for it. */ -}}
{{- define "daydream.checkSecrets" -}}
{{- $keys := .Values.stageKeys.existingSecret -}}
{{- if not $keys -}}
{{- fail (printf "stageKeys.existingSecret is required: --set stageKeys.existingSecret=daydream-stage-keys. Create that Secret first: %s" (include "daydream.createStageKeys" (list .Release.Namespace "daydream-stage-keys"))) -}}
{{- end -}}
{{- $users := ternary .Values.nats.users.existingSecret "" .Values.nats.users.enabled -}}
{{- $purposes := compact (list $keys $users .Values.model.existingSecret .Values.weaviate.existingSecret) -}}
{{- if ne (len $purposes) (len (uniq $purposes)) -}}
{{- fail "stageKeys, nats.users, model and weaviate need different Secrets: existingSecret names one of them twice" -}}
{{- end -}}
{{- range $name, $_ := .Values.services -}}
{{- range (include "daydream.service" (list $ $name) | fromJson).secrets -}}
{{- if or (eq . $keys) (eq . $users) (and (eq . $.Values.model.existingSecret) (ne $name "gateway")) -}}
{{- fail (printf "the secrets of the service %s hold %s, whose entries are not for it: use another Secret there" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The entries of a ConfigMap. With an empty value the service's own default holds. */ -}}
{{- define "daydream.data" -}}
{{- range $name, $value := . -}}
{{- $text := include "daydream.text" $value -}}
{{- if ne $text "" }}
{{ $name }}: {{ $text | quote }}
{{- end -}}
{{- end -}}
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

{{- /* The calls that all pods of a stage make at once, at most: (list $ name) */ -}}
{{- define "daydream.slots" -}}
{{- $service := include "daydream.service" . | fromJson -}}
{{- $pods := $service.replicas -}}
{{- if include "daydream.scaled" . }}{{ $pods = (get (index . 0).Values.keda.services (index . 1)).maxReplicas }}{{ end -}}
{{- mul $pods $service.concurrency -}}
{{- end }}

{{- /* Pairs that are drawn ahead: one for each slot of the synthesizers, and a quarter more, so that none waits for a draw. */ -}}
{{- define "daydream.pairsAhead" -}}
{{- $slots := include "daydream.slots" (list . "synthesizer") | int -}}
{{- max 16 (add $slots (div (add $slots 3) 4)) -}}
{{- end }}

{{- /* Messages that the stream of a stage holds: twice the slots of the largest stage. Messages in progress count. */ -}}
{{- define "daydream.stageMessages" -}}
{{- $messages := 256 -}}
{{- range list "synthesizer" "critic" "oracle" -}}
{{- $messages = max $messages (mul 2 (include "daydream.slots" (list $ .) | int)) -}}
{{- end -}}
{{- $messages -}}
{{- end }}

{{- /* The ports of URLs, as JSON: (list urls default) */ -}}
{{- define "daydream.ports" -}}
{{- $ports := list -}}
{{- range index . 0 -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (index $ 1) | int) -}}
{{- end -}}
{{- uniq $ports | toJson -}}
{{- end }}
