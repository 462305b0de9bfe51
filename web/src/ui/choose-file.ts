/** Opens the browser's file dialog. */
export function chooseFile(accept: string, use: (file: File) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.addEventListener("change", () => {
    if (input.files?.[0]) use(input.files[0]);
  });
  input.click();
}
