// Merging two people: shows what will happen before it can happen.

for (const form of document.querySelectorAll("form[data-merge]")) {
  const preview = form.querySelector("[data-merge-preview]")
  const button = form.querySelector("[data-merge-button]")
  const before = preview.innerHTML
  let chosen = null
  button.disabled = true
  form.addEventListener("name-chosen", async ({ detail: person }) => {
    chosen = person
    button.disabled = true
    if (!person) {
      preview.innerHTML = before
      return
    }
    const answer = await fetch(`${form.dataset.merge}?${new URLSearchParams({ person: person.id })}`)
    const html = await answer.text()
    if (chosen !== person) return // somebody else was chosen meanwhile
    if (answer.ok) preview.innerHTML = html // of our own server, which escapes names
    button.disabled = false
    button.focus()
  })
}
