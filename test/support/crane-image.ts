// A small image, and what `sha1sum` says of the files that go-containerregistry's crane 0.4.1 and 0.11.0 (they agree) wrote of it:
// `crane pull --insecure REFERENCE FILE`, from a registry on loopback port 38911 that pushSmallImage (small-image.ts) filled.
import { digestOf } from '../../bom/digest.ts';

const blob = (text: string, mediaType: string): { readonly mediaType: string; readonly digest: ReturnType<typeof digestOf>; readonly size: number; readonly bytes: Buffer } => {
  const bytes = Buffer.from(text, 'base64');
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
};

const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const config = blob('eyJhcmNoaXRlY3R1cmUiOiJhbWQ2NCIsIm9zIjoibGludXgiLCJjb25maWciOnsiTGFiZWxzIjp7fX0sInJvb3RmcyI6eyJ0eXBlIjoibGF5ZXJzIiwiZGlmZl9pZHMiOlsic2hhMjU2OmUyYTNiZWQ3OGNmYzhlNTI0YTBmNmRlYWEwMjk3ZDAyODc4YTgxY2U2MWY2N2YxNDc0YzlhMTdjMGU0NDJlYzgiLCJzaGEyNTY6M2RlY2IyYWQxNWJmYmIyYzgyNzRiYmRkYmEzODBiMWEwNmM2NGYxNDUxOTVjODIwNmVhMmU4MjgwODM3OTE2ZCIsInNoYTI1NjplMmEzYmVkNzhjZmM4ZTUyNGEwZjZkZWFhMDI5N2QwMjg3OGE4MWNlNjFmNjdmMTQ3NGM5YTE3YzBlNDQyZWM4Il19fQ==', 'application/vnd.oci.image.config.v1+json');
const [first, second] = [
  blob('H4sIAAAAAAAAA+3RUQqAIBCE4T2KJ7AptM7jCQQr6PhRb0UUBBLB/73sgsIOjG+sOkkaYtynpPO82Ic+duZi/Whm8zil4pyVnKe7f0/vP+WbVP3GVmofwk3/7bH/VlIwp+rJ6H/5OgAAAAAAAAAAAAAAAACA11YXuJ4yACgAAA==', layerType),
  blob('H4sIAAAAAAAAA+3YTQqDQAyG4RxlTqBfihnPoxcQ/Fn09qVdSqurIJb32WQggQS+3TStpZOkPuJTJe3rl3df42El8k8z25Z1mEuxeZrWo7mz/k017Zi+4x1q7bof+btX3+XvkocVpV9G/k8AAAAAAAAA6a7+BwQAAAAAAP/rBRvHP7kAKAAA', layerType),
];
/** The same layer stands first and last. */
export const layers = [first, second, first] as const;

export const craneSums = [
  ['127.0.0.1:38911/team/app:1.0', '159ce6b79328c02e75c5e626c26daf4de3ec905b'],
  ['127.0.0.1:38911/team/app@sha256:1af1adc5258383b90a276cb37ce4e8e3443816f79dbea0a4905905c5f44ce8df', '6ded9138f3bedeafef421706319af7cf31e4f57a'],
  ['localhost:38911/team/app:1.0@sha256:1af1adc5258383b90a276cb37ce4e8e3443816f79dbea0a4905905c5f44ce8df', 'ad4449dc42db221537cb77d3288bf129fb0f8915'],
] as const;
/** `crane pull --format=legacy` of the first of {@link craneSums}. */
export const legacySum = '7b321b376599efeceba9d830f240307efe441508';
