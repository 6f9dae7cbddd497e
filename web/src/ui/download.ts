/** Hand something to the browser as a file: made here, from what the page was told; nothing is fetched for it. */
export function download(name: string, type: string, content: string | Blob): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it over by the next turn; without this its memory stays until the page is left.
  setTimeout(() => URL.revokeObjectURL(address), 1_000);
}
