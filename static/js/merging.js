// Merging asks before it merges. A link or button with data-merge opens #merge-dialog with what its address would show;
// without JavaScript that is a page.

const dialog = document.getElementById("merge-dialog")
const body = document.getElementById("merge-body")

/** The address of a link, or of a button that sends what its form has ticked. */
function addressOf(element) {
  if (element.href) return element.href
  const fields = new FormData(element.form)
  for (const name of ["csrfmiddlewaretoken", "next", "name"]) fields.delete(name)
  return `${element.getAttribute("formaction")}?${new URLSearchParams(fields)}`
}

async function open(address) {
  body.replaceChildren()
  await window.htmx.ajax("GET", address, { target: body, swap: "innerHTML" })
  if (body.childElementCount) dialog.showModal()
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-merge]")
  if (!opener || !dialog || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  open(addressOf(opener))
})

// Where to type comes first; a question is read before it is answered.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== body || !dialog) return
  requestAnimationFrame(() => (body.querySelector(".name-box input") ?? body.querySelector("#merge-title"))?.focus())
})
