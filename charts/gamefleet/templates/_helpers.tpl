{{- define "gamefleet.labels" -}}
app.kubernetes.io/name: gamefleet
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gamefleet.selector" -}}
app.kubernetes.io/name: gamefleet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "gamefleet.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "gamefleet.storesSecret" -}}
{{ .Values.stores.existingSecret | default "gamefleet-stores" }}
{{- end }}

{{- define "gamefleet.tokensSecret" -}}
{{ .Values.allocator.tokensSecret | default "gamefleet-allocator-tokens" }}
{{- end }}

{{/* Exactly one source of stores, said clearly. */}}
{{- define "gamefleet.checkStores" -}}
{{- $urls := and .Values.stores.redisUrl .Values.stores.databaseUrl -}}
{{- if not (or .Values.stores.existingSecret $urls .Values.trialStores.enabled) -}}
{{- fail "stores: must name existingSecret, or both redisUrl and databaseUrl, or set trialStores.enabled=true for a first look" -}}
{{- end -}}
{{- if and .Values.trialStores.enabled (or .Values.stores.existingSecret .Values.stores.redisUrl .Values.stores.databaseUrl) -}}
{{- fail "stores: must not be set together with trialStores.enabled=true" -}}
{{- end -}}
{{- end }}

{{/* A password that survives upgrades: what the cluster has, else a new one. Args: root, secret, key. */}}
{{- define "gamefleet.keptPassword" -}}
{{- $old := (lookup "v1" "Secret" .root.Release.Namespace .secret).data | default dict -}}
{{- if hasKey $old .key -}}{{ index $old .key | b64dec }}{{- else -}}{{ randAlphaNum 32 }}{{- end -}}
{{- end }}

{{- define "gamefleet.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "gamefleet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Scheduling and the like, the same for both roles. Args: root, values, component. */}}
{{- define "gamefleet.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "gamefleet.selector" . | nindent 8 }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "gamefleet.storeEnv" -}}
{{- $secret := include "gamefleet.storesSecret" . -}}
- name: GAMEFLEET_REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: GAMEFLEET_REDIS_URL } }
- name: GAMEFLEET_DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ $secret }}, key: GAMEFLEET_DATABASE_URL } }
# V8 keeps its heap below the container's limit instead of running into it.
- name: NODE_OPTIONS
  value: --max-old-space-size=384
{{- end }}
