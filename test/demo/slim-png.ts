/**
 * Makes a screenshot small enough for a repository: colours rounded to multiples of `step`, so that the soft noise of
 * gradients packs well. The browser that took the picture does it, so no image library is needed.
 */
import type { Page } from "playwright-core";

/** Source text, because it runs in the page, whose types are not those of this program. */
const SHRINK = `async ({ source, step }) => {
  const bitmap = await createImageBitmap(await (await fetch(source)).blob());
  const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const picture = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = Math.round(picture.data[i] / step) * step;
  pen.putImageData(picture, 0, 0);
  const blob = await pen.canvas.convertToBlob({ type: "image/png" });
  return Array.from(new Uint8Array(await blob.arrayBuffer()));
}`;

export async function slimPng(page: Page, png: Buffer, step: number): Promise<Buffer> {
  const argument = JSON.stringify({ source: `data:image/png;base64,${png.toString("base64")}`, step });
  return Buffer.from(await page.evaluate<number[]>(`(${SHRINK})(${argument})`));
}
