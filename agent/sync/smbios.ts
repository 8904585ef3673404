/** Reads the firmware's table as Windows keeps it (`RawSMBIOSData`; DMTF DSP0134): eight bytes of its own, then structures with their texts behind them. Pure. */

const HEADER = 8;
/** "System Information": the fourth byte after the four of its head names the text with the serial number. */
const SYSTEM = 1;
const SERIAL_AT = 7;
const END = 127;

/** The computer's serial number; null where the table has none. Never throws. */
export function serialInTable(table: Uint8Array): string | null {
  const bytes = Buffer.from(table);
  let at = HEADER;
  while (at + 4 <= bytes.length) {
    const [type = END, length = 0] = bytes.subarray(at, at + 2);
    if (type === END || length < 4) return null;
    const texts: string[] = [];
    let next = at + length;
    // Texts end with a zero each and one more; where there is none, there are two.
    while (next < bytes.length && bytes[next] !== 0) {
      const end = bytes.indexOf(0, next);
      if (end < 0) return null;
      texts.push(bytes.toString('latin1', next, end));
      next = end + 1;
    }
    if (type === SYSTEM) {
      const number = length > SERIAL_AT ? (bytes[at + SERIAL_AT] ?? 0) : 0;
      return number === 0 ? null : (texts[number - 1] ?? null);
    }
    at = next + (texts.length === 0 ? 2 : 1);
  }
  return null;
}
