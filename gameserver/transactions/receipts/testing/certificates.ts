/** Certificates for tests: real ones, with keys of our own. Node reads certificates and cannot make them: DER by hand. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";

const DAY_MS = 86_400_000;
const CN = "550403";
const ECDSA_SHA256 = "2a8648ce3d040302";
const RSA_SHA256 = "2a864886f70d01010b";
const BASIC_CONSTRAINTS = "551d13";
/** Apple's marks of its two certificates, without tag and length. */
export const LEAF_MARK = "2a864886f76364060b01";
export const INTERMEDIATE_MARK = "2a864886f76364060201";

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([Buffer.from([tag, 0x82]), length, body]);
}
const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const name = (text: string) => sequence(der(0x31, sequence(oid(CN), der(0x0c, Buffer.from(text)))));
const time = (ms: number) =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
const extension = (hex: string, value: Buffer) => sequence(oid(hex), der(0x04, value));

export interface CertificateOptions {
  readonly subject: string;
  readonly issuer?: { readonly subject: string; readonly key: KeyObject };
  /** Its private key. */
  readonly key: KeyObject;
  readonly ca?: boolean;
  readonly marks?: readonly string[];
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Leaves all extensions out: a certificate of version 1. */
  readonly bare?: boolean;
}

let serial = 1;

export function makeCertificate(options: CertificateOptions): X509Certificate {
  const { subject, key, ca = false, marks = [], bare = false } = options;
  const { fromMs = Date.now() - DAY_MS, toMs = Date.now() + DAY_MS } = options;
  const issuer = options.issuer ?? { subject, key };
  const algorithm =
    issuer.key.asymmetricKeyType === "ec"
      ? sequence(oid(ECDSA_SHA256))
      : sequence(oid(RSA_SHA256), der(0x05));
  const extensions = [
    ...(ca ? [extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.from([0xff]))))] : []),
    ...marks.map((mark) => extension(mark, der(0x05))),
    // So that there is always one, and one that nobody looks for.
    extension("551d11", sequence(der(0x82, Buffer.from("test.example")))),
  ];
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const tbs = sequence(
    ...(bare ? [] : [der(0xa0, der(0x02, Buffer.from([2])))]),
    der(0x02, Buffer.from([serial++ & 0x7f])),
    algorithm,
    name(issuer.subject),
    sequence(time(fromMs), time(toMs)),
    name(subject),
    spki,
    ...(bare ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = sign("sha256", tbs, issuer.key);
  return new X509Certificate(sequence(tbs, algorithm, der(0x03, Buffer.from([0]), signature)));
}

export const ecKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
export const rsaKey = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
export const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" });

export interface Chain {
  readonly root: X509Certificate;
  /** Leaf first, as in a JWS. */
  readonly x5c: readonly string[];
  /** Of the leaf. */
  readonly key: KeyObject;
}

export interface ChainOptions {
  readonly leaf?: Partial<CertificateOptions>;
  readonly intermediate?: Partial<CertificateOptions>;
  readonly root?: Partial<CertificateOptions>;
}

/** A chain like Apple's; any part can be made wrong. */
export function makeChain(wrong: ChainOptions = {}): Chain {
  const root = { subject: "Test Root", key: ecKey(), ca: true, ...wrong.root };
  const intermediate = {
    subject: "Test Intermediate",
    issuer: root,
    key: ecKey(),
    ca: true,
    marks: [INTERMEDIATE_MARK],
    ...wrong.intermediate,
  };
  const leaf = {
    subject: "Test Leaf",
    issuer: intermediate,
    key: ecKey(),
    marks: [LEAF_MARK],
    ...wrong.leaf,
  };
  const certificates = [leaf, intermediate, root].map(makeCertificate);
  const x5c = certificates.map((certificate) => certificate.raw.toString("base64"));
  return { root: certificates[2] as X509Certificate, x5c, key: leaf.key };
}
