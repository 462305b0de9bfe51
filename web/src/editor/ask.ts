// Questions: one dialog for all of them.
import { signal } from "@preact/signals";

export interface Answer {
  id: string;
  label: string;
  primary?: boolean;
}

interface Question {
  title: string;
  text: string;
  answers: Answer[];
  resolve: (id: string) => void;
}

export const question = signal<Question | null>(null);

/** Resolves with the id of the answer; with "cancel" if the dialog is closed. */
export function ask(title: string, text: string, answers: Answer[]): Promise<string> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      answers,
      resolve: (id) => {
        question.value = null;
        resolve(id);
      },
    };
  });
}
