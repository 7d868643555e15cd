/** The machine's own key, as the mirrors need it. */
export interface Signer {
  /** A cleartext-signed message: InRelease. */
  clearsign(text: string): Promise<string>;
  /** An armored detached signature: Release.gpg, repomd.xml.asc. */
  detach(content: Uint8Array): Promise<string>;
  readonly publicKeyArmored: string;
  /** What apt's Release files say of themselves besides: valid for so many seconds, and said anew when half of it has passed. For ever without it. */
  readonly releases?: { readonly validForS: number; readonly nowS: () => number };
}
