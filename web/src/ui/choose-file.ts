/** Opens the browser's file dialog for one file. */
export function chooseFile(accept: string, use: (file: File) => void): void {
  choose(accept, false, (files) => use(files[0]));
}

/** Opens the browser's file dialog for any number of files. */
export function chooseFiles(accept: string, use: (files: File[]) => void): void {
  choose(accept, true, use);
}

function choose(accept: string, multiple: boolean, use: (files: File[]) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.multiple = multiple;
  input.hidden = true;
  input.addEventListener("change", () => {
    input.remove();
    if (input.files?.length) use([...input.files]);
  });
  input.addEventListener("cancel", () => input.remove());
  // In the document, or it may be collected as garbage while the dialog is open.
  document.body.append(input);
  input.click();
}
