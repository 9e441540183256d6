/**
 * Apple's chain of certificates: leaf, intermediate, root; the first two marked by Apple for this purpose, the last one
 * of those that were configured. Node checks signatures and names; the marks are extensions that it does not show.
 *
 * Revocation is not asked for (OCSP): a receipt is confirmed by the App Store Server API before anything is granted.
 */
import { X509Certificate } from "node:crypto";

/** Apple's marks, as DER: "App Store receipt signing" (1.2.840.113635.100.6.11.1) and "WWDR" (…100.6.2.1). */
const LEAF_MARK = Buffer.from("060a2a864886f76364060b01", "hex");
const INTERMEDIATE_MARK = Buffer.from("060a2a864886f76364060201", "hex");

/** The leaf, when the chain was good at Unix `atMs`. Throws naming what is wrong. */
export function leafOfChain(
  x5c: readonly string[],
  roots: readonly X509Certificate[],
  atMs: number,
): X509Certificate {
  if (x5c.length !== 3) throw new Error(`the chain must have 3 certificates, it has ${x5c.length}`);
  const [leaf, intermediate, root] = x5c.map((der) => new X509Certificate(Buffer.from(der, "base64"))) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ];
  if (!roots.some(({ fingerprint256 }) => fingerprint256 === root.fingerprint256))
    throw new Error("the root is not one of apple.roots");
  for (const one of [leaf, intermediate, root]) {
    if (atMs < one.validFromDate.getTime() || atMs > one.validToDate.getTime())
      throw new Error(`a certificate was not valid then: ${one.subject.replaceAll("\n", ", ")}`);
  }
  if (!intermediate.ca || !signedBy(intermediate, root) || !signedBy(leaf, intermediate))
    throw new Error("the chain is broken");
  if (!hasExtension(leaf, LEAF_MARK) || !hasExtension(intermediate, INTERMEDIATE_MARK))
    throw new Error("the chain was not issued for receipts");
  return leaf;
}

const signedBy = (one: X509Certificate, by: X509Certificate): boolean =>
  one.checkIssued(by) && one.verify(by.publicKey);

/** Certificate: SEQUENCE of TBSCertificate, whose part [3] is a SEQUENCE of extensions, each beginning with its OID. */
function hasExtension(certificate: X509Certificate, oid: Buffer): boolean {
  const [tbs] = parts(contents(certificate.raw));
  const extensions = parts(contents(tbs as Buffer)).find((part) => part[0] === 0xa3);
  if (!extensions) return false;
  return parts(contents(contents(extensions))).some((one) =>
    contents(one).subarray(0, oid.length).equals(oid),
  );
}

/** Length of a DER element's head and contents. Node has read the certificate before: it is well-formed. */
function sizes(der: Buffer): { readonly head: number; readonly body: number } {
  const first = der[1] as number;
  if (first < 0x80) return { head: 2, body: first };
  const bytes = first & 0x7f;
  return { head: 2 + bytes, body: der.readUIntBE(2, bytes) };
}

function contents(der: Buffer): Buffer {
  const { head, body } = sizes(der);
  return der.subarray(head, head + body);
}

function parts(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < der.length; ) {
    const { head, body } = sizes(der.subarray(at));
    found.push(der.subarray(at, at + head + body));
    at += head + body;
  }
  return found;
}
