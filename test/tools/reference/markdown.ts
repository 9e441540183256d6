/** Markdown as the reference pages are written in it: stable, so that `--check` can compare byte by byte. */

/** One page of docs/reference. */
export interface Page {
  /** Name of the file in docs/reference. */
  readonly file: string;
  /** What one finds there, in a line: for the README of the folder. */
  readonly about: string;
  readonly text: string;
}

export const code = (text: string): string => `\`${text}\``;

/** A cell holds one line, and a bar would end it. */
const cell = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");

/** A table; columns that are empty in every row are left out. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = heads.map((_head, column) => rows.some((row) => row[column]));
  const line = (cells: readonly string[]) =>
    `| ${cells
      .filter((_text, column) => used[column])
      .map(cell)
      .join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The text of a page: a title, the line that says where it comes from, and its parts with a blank line between. */
export function pageText(title: string, source: string, parts: readonly string[]): string {
  const head = `<!-- Generated from ${source} by \`make generate\`. Do not edit. -->`;
  return `${[head, `# ${title}`, ...parts].join("\n\n")}\n`;
}
