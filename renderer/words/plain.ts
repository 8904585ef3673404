/** Text from outside, made harmless to show: every character that draws nothing, moves the cursor or turns the reading direction is made visible. */

// The zero-width joiner stays: names and emoji need it.
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what this file is about.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

// Unicode has pictures for some of these, but few fonts do; a number can be drawn everywhere.
function picture(character: string): string {
  return `‹U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}›`;
}

/** One line of text. */
export function plain(text: string): string {
  return text.replace(HIDDEN, picture);
}

/** Text with lines, as a person writes it in a form: line ends and tabs stay. */
export function plainLines(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(HIDDEN, (character) => (character === '\n' || character === '\t' ? character : picture(character)));
}
