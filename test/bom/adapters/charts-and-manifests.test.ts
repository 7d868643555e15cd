// Charts and manifests of other projects: templates, renames of bases elsewhere, patches in files, JSON in one line.
import { describe, expect, it } from 'vitest';
import { helm } from '../../../bom/adapters/helm/helm.ts';
import { k8s } from '../../../bom/adapters/k8s/k8s.ts';
import { adapterOf, detectAdapter } from '../../../bom/adapters/registry.ts';
import { hex } from '../support/documents.ts';
import { convertOne, convertText } from './support.ts';

const refs = (images: readonly { readonly ref: string }[] | undefined): string[] => (images ?? []).map(({ ref }) => ref);
const whats = (spec: { readonly unresolved?: readonly { readonly what: string }[] | undefined }): string[] => (spec.unresolved ?? []).map(({ what }) => what);

describe('helm', () => {
  it('fills image lines of templates in as far as values go, and says which only the rendered chart has', () => {
    const { spec } = convertOne(helm, [
      { path: 'web/Chart.yaml', text: 'apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: "2.10"\n' },
      { path: 'web/values.yaml', text: `image: {repository: acme/web, tag: ""}\nold: {image: acme/old, imageTag: 1.10}\nplain: {image: proxy, tag: 3}\nfixed: {image: {reference: "acme/fixed@sha256:${hex('1')}"}}\nhub: docker.io/acme\npilot: {name: pilot, tag: 1.20}\nmesh: {image: {registry: quay.io, image: acme/mesh, tag: v1}}\n` },
      { path: 'web/templates/_helpers.tpl', text: '{{- define "web.mesh" -}}\n{{ include "lib.image" (dict "imageRoot" .Values.mesh.image) }}\n{{- end -}}\n{{- define "web.away" -}}{{ .Values.away }}{{- end -}}\n' },
      { path: 'web/templates/a.yaml', text: `
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        - image: {{ default "busybox" .Values.none }}:{{ $.Values.pilot.tag }} # beside
        image: '{{ .Values.hub }}/{{ .Values.pilot.name }}:{{ .Values.pilot.tag }}'
        image: {{ printf "%s/%s:%s" .Values.hub "printed" .Values.pilot.tag | quote }}
        image: {{ include "web.mesh" . }}
        image: {{ include "web.away" . }}
        image: {{ if .Values.image.digest }}x{{ else }}{{ .Values.image.repository }}{{ end }}
        image: {{ $one.image }}
        image: busybox:1.36
        # image: never:1
        image: |
        imagePullPolicy: Always
` },
    ]);
    expect(refs(spec.images)).toEqual(['acme/web:2.10', 'acme/old:1.10', 'proxy:3', `acme/fixed@sha256:${hex('1')}`, 'quay.io/acme/mesh:v1', 'busybox:1.20', 'docker.io/acme/pilot:1.20', 'docker.io/acme/printed:1.20', 'busybox:1.36']);
    expect(spec.images?.at(-1)).toMatchObject({ confidence: 'rendered', origin: { where: 'web/templates/a.yaml:10' } });
    expect(spec.images?.slice(0, -1).every(({ confidence }) => confidence === 'guessed')).toBe(true);
    expect(whats(spec)).toEqual(['{{ include "web.away" . }}', '{{ $one.image }}']);
  });
});

describe('image annotations', () => {
  it('that are no list are said', () => {
    const chart = (annotation: string): string[] => whats(convertText(helm, 'Chart.yaml', `apiVersion: v2\nname: a\nversion: "1"\nannotations:\n  helm.sh/images: ${JSON.stringify(annotation)}\n`).spec);
    expect([chart('web: acme/web:1'), chart('[]'), chart('- image: acme/web:1')]).toEqual([['annotation helm.sh/images'], [], []]);
  });
});

describe('k8s', () => {
  it('takes renames of images that a base elsewhere has, patches in files, and arguments that are whole references', () => {
    const { spec } = convertOne(k8s, [
      { path: 'kustomization.yaml', text: `
resources: ["https://github.com/acme/base//deploy?ref=v2", web.yaml]
images:
- {name: acme/web, newName: reg.example.net/web}
- {name: acme/base, newTag: v2.1}
- {name: acme/pinned, newName: reg.example.net/pinned, digest: "sha256:${hex('2')}"}
- {name: acme/moved, newName: reg.example.net/moved}
patches: [{path: patch.yaml}]
` },
      { path: 'web.yaml', text: `
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - image: acme/web:1
        command: [run, --config-image, acme/config:1]
        args: [--reloader=quay.example.net/acme/reloader:v0.68.0, --listen=svc.example.net/x:8080, --name=plain]
        env: [{name: HELPER, value: "quay.example.net/acme/helper@sha256:${hex('3')}"}, {name: URL, value: svc.example.net/path:80}]
` },
      { path: 'patch.yaml', text: '- {op: replace, path: /spec/template/spec/containers/0/image, value: "acme/web:2"}\n- {op: add, path: /spec/template/spec/initContainers, value: [{image: "acme/init:1"}]}\n- {op: add, path: /metadata/labels/image, value: "acme/label:1"}\n' },
    ]);
    expect(spec.images?.map(({ ref, confidence = '' }) => `${ref} ${confidence}`.trim())).toEqual([
      'reg.example.net/web:1', `quay.example.net/acme/helper@sha256:${hex('3')} guessed`, 'acme/config:1 guessed', 'quay.example.net/acme/reloader:v0.68.0 guessed', 'reg.example.net/web:2', 'acme/init:1',
      'acme/base:v2.1 guessed', `reg.example.net/pinned@sha256:${hex('2')} guessed`,
    ]);
    expect(whats(spec)).toEqual(['https://github.com/acme/base//deploy?ref=v2', 'image acme/moved']);
  });

  it.each([
    ['{"apiVersion":"v1","kind":"Pod","spec":{}}', 'k8s'], ['kind: HelmChart\napiVersion: helm.cattle.io/v1\n', 'k8s'], ['- apiVersion: batch/v1\n  kind: Job\n', 'k8s'], ['apiVersion: longshore.dev/v1alpha1\nkind: ModuleBOM\n', undefined], ['apiVersion: v2\nname: chart\n', undefined], ['kind: Pod\n', undefined],
  ])('claims %j: %s', (text, name) => {
    expect(detectAdapter([{ path: 'a.yaml', text }])).toBe(name === undefined ? undefined : adapterOf(name));
  });

  it('takes no value behind a tag of an application for an image', () => {
    const { spec } = convertText(k8s, 'a.yaml', 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: !Ref Web}, {image: !!str acme/web:1}, {image: !Sub "acme/x:${V}"}]}\n');
    expect(refs(spec.images)).toEqual(['acme/web:1']);
    expect(whats(spec)).toEqual(['!Ref Web', '!Sub acme/x:${V}']);
  });

  it('renames images of patches too, written in and in files', () => {
    const { spec } = convertOne(k8s, [
      { path: 'over/kustomization.yaml', text: 'resources: [../base]\nimages: [{name: acme/web, newTag: "9"}, {name: acme/side, newTag: "8"}]\npatchesStrategicMerge:\n- merge.yaml\n- |-\n  {spec: {template: {spec: {containers: [{name: s, image: "acme/side:1"}]}}}}\n' },
      { path: 'over/merge.yaml', text: 'apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: w, image: "acme/web:latest"}]}}}\n' },
      { path: 'base/kustomization.yaml', text: 'resources: [web.yaml]\n' }, { path: 'base/web.yaml', text: 'apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "acme/web:1"}]}\n' },
    ]);
    expect(refs(spec.images)).toEqual(['acme/web:9', 'acme/web:9', 'acme/side:8']);
    expect(spec.unresolved).toBeUndefined();
  });

  it('takes no chart whose version is a template, and reads Sveltos profiles', () => {
    const { spec } = convertOne(k8s, [
      { path: 'kustomization.yaml', text: 'helmCharts:\n- {name: a, repo: "https://charts.example.net", version: "${a_version}"}\n- {name: b, repo: "https://charts.example.net", version: 1.10}\n- {name: c, version: "1"}\n' },
      { path: 'profile.yaml', text: 'apiVersion: config.projectsveltos.io/v1beta1\nkind: ClusterProfile\nspec: {helmCharts: [{repositoryURL: "https://charts.example.net/d", chartName: repo/d, chartVersion: v3.3.3}]}\n' },
    ]);
    expect(spec.charts?.map(({ source }) => source)).toMatchObject([{ name: 'b', version: '1.10' }, { repo: 'https://charts.example.net/d', name: 'd', version: 'v3.3.3' }]);
    expect(whats(spec)).toEqual(['chart a ${a_version}', 'chart c 1']);
  });

  it('reads Argo CD sets of applications', () => {
    const { spec } = convertText(k8s, 'a.yaml', 'apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec: {template: {spec: {sources: [{repoURL: "https://charts.example.net", chart: web, targetRevision: 1.10}, {repoURL: "https://git.example.net/a.git", path: x}]}}}\n');
    expect(spec.charts).toMatchObject([{ source: { repo: 'https://charts.example.net', name: 'web', version: '1.10' } }]);
    expect(whats(spec)).toEqual(['repository https://git.example.net/a.git']);
  });
});
