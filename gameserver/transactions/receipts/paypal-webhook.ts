/**
 * Signatures of PayPal's webhooks: RSA over the ids of the transmission and of the webhook and the CRC-32 of the body,
 * checked here, with a certificate that PayPal serves at the address which the message names.
 */
import { verify, X509Certificate } from "node:crypto";
import { crc32 } from "node:zlib";
import { fail } from "../../../platform/errors.ts";
import { ask, away } from "./ask.ts";
import type { Webhook } from "./port.ts";
import type { PayPalSettings } from "./settings.ts";

const ALGORITHM = "SHA256withRSA";
const MOST_CERTIFICATES = 8;

/** Checks one webhook. Throws UNAUTHENTICATED. */
export type SignatureCheck = (webhook: Webhook, signal: AbortSignal) => Promise<void>;

export function signatureCheck(settings: PayPalSettings): SignatureCheck {
  const known = new Map<string, X509Certificate>();

  /** One certificate, one address: a query would make PayPal be asked again for each. */
  function addressOf(given: string): string {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (!url?.href.startsWith(`${settings.certsUrl}/`) || url.search !== "" || url.hash !== "")
      throw unauthenticated("paypal-cert-url is not PayPal's");
    return url.href;
  }

  async function certificateAt(url: string, signal: AbortSignal): Promise<X509Certificate> {
    const before = known.get(url);
    if (before) return before;
    const what = "paypal: the certificate of a webhook";
    const { timeoutMs } = settings;
    const answer = await ask({ what, url, signal, timeoutMs, credentials: "paypal.certsUrl" });
    if (answer.status !== 200) throw unauthenticated(`its certificate is not there (${answer.status})`);
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(answer.text);
    } catch (error) {
      throw away(what, "is not a certificate", error);
    }
    if (known.size >= MOST_CERTIFICATES) known.clear();
    known.set(url, certificate);
    return certificate;
  }

  return async ({ headers, body }, signal) => {
    const of = (name: string) => String(headers[`paypal-${name}`] ?? "");
    if (of("auth-algo") !== ALGORITHM) throw unauthenticated(`paypal-auth-algo must be ${ALGORITHM}`);
    const certificate = await certificateAt(addressOf(of("cert-url")), signal);
    const now = Date.now();
    if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime())
      throw unauthenticated("its certificate is not valid now");
    const signed = [of("transmission-id"), of("transmission-time"), settings.webhookId, crc32(body)].join(
      "|",
    );
    const signature = Buffer.from(of("transmission-sig"), "base64");
    if (!verify("sha256", Buffer.from(signed), certificate.publicKey, signature))
      throw unauthenticated("it is not that of the body; check paypal.webhookId");
  };
}

const unauthenticated = (why: string) => fail("UNAUTHENTICATED", `signature: ${why}`);
