// <details class="menu"> opens and closes without us; this closes it on Escape and on a click elsewhere.

function close(menu) {
  menu.open = false
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) close(menu)
  }
})

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return
  const menu = event.target.closest("details.menu[open]")
  if (!menu) return
  close(menu)
  menu.querySelector("summary").focus()
})

// <button data-open-dialog="id"> opens <dialog id="id">.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open-dialog]")
  if (button) document.getElementById(button.dataset.openDialog)?.showModal()
})

// <details data-focus="selector"> gives the focus to what it opens with.
document.addEventListener("toggle", ({ target }) => {
  if (target.open && target.dataset.focus) target.querySelector(target.dataset.focus)?.focus()
}, { capture: true })

// <select data-submits> sends its form when another one is chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submits]")) event.target.form.requestSubmit()
})
