// Elements made of texts that are only ever texts: nothing here parses HTML.

export const find = (id) => document.getElementById(id);

/** Make an element; children are elements or texts. */
export function make(tag, properties = {}, ...children) {
  const { document: owner = document, ...rest } = properties;
  const element = owner.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Offer a text as a file. */
export function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = make("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
