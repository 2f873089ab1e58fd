// Merging two people: says in a sentence what will happen before it can happen.

for (const form of document.querySelectorAll("form[data-merge]")) {
  const sentence = form.querySelector("[data-merge-sentence]")
  const button = form.querySelector("[data-merge-button]")
  const before = sentence.innerHTML
  button.disabled = true
  form.addEventListener("name-chosen", ({ detail: person }) => {
    button.disabled = !person
    if (person) {
      const photos = `${person.photos.toLocaleString("en")} photo${person.photos === 1 ? "" : "s"}`
      sentence.textContent = sentence.dataset.mergeSentence.replace("{name}", person.name).replace("{photos}", photos)
      button.focus()
    } else {
      sentence.innerHTML = before
    }
  })
}
