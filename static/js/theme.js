// Sets light or dark before the first paint for users who follow their device.
// A classic script in <head>: a module would run too late and the page would flash.
(() => {
  const root = document.documentElement
  if (root.dataset.theme !== "system") return
  const dark = matchMedia("(prefers-color-scheme: dark)")
  const follow = () => { root.dataset.bsTheme = dark.matches ? "dark" : "light" }
  follow()
  dark.addEventListener("change", follow)
})()
