// What the tests of the surface ask a page. Evaluates to a function that leaves the questions on window.looking.
() => {
  const isShown = (e) => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true, opacityProperty: true });
  const called = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") ?? ""} ${(e.ariaLabel ?? e.textContent).trim().slice(0, 30)}`;

  /** Wrong things of this page, one line each. `small`: selectors of what may be smaller than a finger, on phones. */
  function check(isPhone, small) {
    const wrong = [];
    if (document.documentElement.scrollWidth > innerWidth) wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth} px`);
    for (const image of document.images) if (!image.hasAttribute("alt")) wrong.push(`no alt: ${image.src}`);
    return isPhone ? [...new Set([...wrong, ...smallTargets(small)])] : wrong;
  }

  function smallTargets(small) {
    const wrong = [];
    for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary")) {
      if (e.type === "hidden" || !isShown(e) || e.matches(small) || e.closest(".visually-hidden")) continue;
      const { width, height } = (e.closest("label") ?? e).getBoundingClientRect();
      if (width && height && (width < 43.5 || height < 43.5)) wrong.push(`small: ${width.toFixed()}x${height.toFixed()} ${called(e)}`);
    }
    return wrong;
  }

  /** How many things of this page move or would move. */
  function moving() {
    const movers = [...document.querySelectorAll("*")].filter((e) => {
      const style = getComputedStyle(e);
      return style.animationName !== "none" || style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
    });
    return document.getAnimations().length + movers.length;
  }

  /** The focused element, if nothing of it or around it shows that it is focused. */
  function unseenFocus() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const parts = [e, e.closest("label"), e.closest("li"), e.nextElementSibling, ...e.querySelectorAll("*")].filter(Boolean);
    const isSeen = parts.some((part) => {
      const style = getComputedStyle(part);
      const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      return hasOutline || style.boxShadow !== "none" || parseFloat(style.strokeWidth) >= 7;
    });
    return isSeen ? null : e.outerHTML.slice(0, 120);
  }

  window.looking = { check, moving, unseenFocus };
}
