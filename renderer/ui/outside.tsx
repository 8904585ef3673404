/** Text that came from outside (names, paths, arguments), shown as text: isolated from the reading direction around it, with nothing hidden in it. */
import { plain, plainLines } from '../words/plain.ts';

export function Outside({ text, className }: { text: string; className?: string }) {
  return <bdi className={className}>{plain(text)}</bdi>;
}

/** A path, a command or an address: reads from left to right whatever it holds, and may break anywhere. */
export function Code({ text }: { text: string }) {
  return (
    <bdi className="mono" dir="ltr">
      {plain(text)}
    </bdi>
  );
}

/** What a person wrote: its lines stay lines. */
export function Said({ text }: { text: string }) {
  return <bdi className="said">{plainLines(text)}</bdi>;
}
