/** Texts that Apple signed: transactions, renewals, notifications. JWS with a chain of certificates in its head. */
import type { X509Certificate } from "node:crypto";
import { compactVerify, decodeJwt, decodeProtectedHeader } from "jose";
import { z } from "zod";
import { leafOfChain } from "./certificate-chain.ts";

const Head = z.object({ alg: z.literal("ES256"), x5c: z.array(z.string()) });
const Signed = z.object({ signedDate: z.number().optional() });

export const Transaction = z.object({
  transactionId: z.string(),
  originalTransactionId: z.string(),
  bundleId: z.string(),
  productId: z.string(),
  quantity: z.number().default(1),
  environment: z.string(),
  type: z.string(),
  signedDate: z.number(),
  expiresDate: z.number().optional(),
  revocationDate: z.number().optional(),
  appAccountToken: z.string().optional(),
});
export type Transaction = z.output<typeof Transaction>;

/**
 * The payload, when Apple signed it. The chain must have been good when it was signed, as Apple's own library has it:
 * receipts outlive certificates. Rejects naming what is wrong.
 */
export async function verifiedPayload(
  jws: string,
  roots: readonly X509Certificate[],
): Promise<Record<string, unknown>> {
  const { x5c } = Head.parse(decodeProtectedHeader(jws));
  const { signedDate } = Signed.parse(decodeJwt(jws));
  const leaf = leafOfChain(x5c, roots, Math.min(signedDate ?? Date.now(), Date.now()));
  const { payload } = await compactVerify(jws, leaf.publicKey, { algorithms: ["ES256"] });
  return JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
}
