/** Where the client tells what happens. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** How it stands now: on a terminal one line at the bottom that is drawn anew, elsewhere a line when it changed. */
  show(progress: { bar: string; words: string }): void;
  /** Leaves what is shown, so that others can write below. */
  close(): void;
}

export interface ScreenOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const CLEAR_LINE = '\r\u001b[2K';

export function createScreen(output: ScreenOutput, now: () => Date = () => new Date()): Screen {
  let shown = '';
  if (output.isTTY !== true) {
    return {
      say: (line) => void output.write(`${line}\n`),
      show({ words }) {
        if (words === shown) return;
        shown = words;
        output.write(`${now().toTimeString().slice(0, 8)}  ${words}\n`);
      },
      close: () => undefined,
    };
  }
  // A line that is wrapped could not be drawn over.
  const fit = (line: string): string => line.slice(0, Math.max(1, (output.columns ?? 80) - 1));
  return {
    say: (line) => void output.write(shown === '' ? `${line}\n` : `${CLEAR_LINE}${line}\n${fit(shown)}`),
    show({ bar }) {
      shown = bar;
      output.write(`${CLEAR_LINE}${fit(bar)}`);
    },
    close() {
      if (shown !== '') output.write('\n');
      shown = '';
    },
  };
}
