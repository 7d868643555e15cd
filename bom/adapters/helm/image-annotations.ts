// Images that Chart.yaml lists in annotations: Artifact Hub's `artifacthub.io/images`, Bitnami's `images`, HIP-0015's `helm.sh/images`.
import { readNodes } from '../trees.ts';

export const imageAnnotations: readonly string[] = ['artifacthub.io/images', 'images', 'helm.sh/images'];

export interface AnnotatedImage {
  readonly ref: string;
  readonly platforms: readonly string[];
}

/** The images of one annotation: `- name: x` with `image: ref`, or a list of references, as YAML text. `broken` says what could not be read. */
export function imagesInAnnotation(text: string, where: string): { readonly images: readonly AnnotatedImage[]; readonly broken: readonly string[] } {
  const { documents, broken } = readNodes({ path: where, text });
  const images = documents.flatMap((document) => document.items).map((item): AnnotatedImage => ({ ref: item.text ?? item.at('image').text ?? '', platforms: item.at('platforms').texts }));
  return { images, broken: [...broken.map(({ message }) => message), ...(broken.length === 0 && documents.some((document) => document.exists && !document.isList) ? ['not a list of images'] : [])] };
}
