/** A number as the language of the page writes it. */
export const written = (count) => count.toLocaleString(document.documentElement.lang)
