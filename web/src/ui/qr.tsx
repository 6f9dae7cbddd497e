import encodeQR from "qr";
import { useMemo } from "react";
import { texts } from "../texts/en";

/** The light border that a camera needs, in modules. */
const QUIET = 4;

/** A text as a QR code for a phone's camera, of the lowest level of correction, which is for screens. */
export default function QrCode({ text }: { text: string }) {
  const { width, path } = useMemo(() => drawn(text), [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${width} ${width}`} role="img" aria-label={texts.connecting.code}>
      <rect className="light" width={width} height={width} />
      <path className="dark" d={path} />
    </svg>
  );
}

/** The code's width in modules, its border included, and the dark ones as a path. Throws for a text of over 2 kB. */
export function drawn(text: string): { width: number; path: string } {
  const square = encodeQR(text, "raw", { ecc: "low", border: QUIET });
  const path = square.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return { width: square.length, path };
}
