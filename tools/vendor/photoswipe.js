// What our PhotoSwipe bundle holds. static/js/stage.js is its only user.
export { default as PhotoSwipe } from "photoswipe"
