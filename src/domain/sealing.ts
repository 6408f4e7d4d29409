/** Seals what must be kept but not read: the vault's face to those who may not see the vault. */
export interface Sealing {
  /** Encrypts under the merchant's data key; `purpose` is bound in, so that a sealed value opens nowhere else. */
  seal(merchantId: string, purpose: string, plain: string): Promise<Buffer>;
  /** Opens what `seal` made. Throws when it was changed or is of another merchant or purpose. */
  open(merchantId: string, purpose: string, sealed: Buffer): Promise<string>;
  /** A keyed hash of a value: equal values of one merchant and purpose give equal hashes, and nobody reads them back. */
  fingerprint(merchantId: string, purpose: string, plain: string): Promise<Buffer>;
}
