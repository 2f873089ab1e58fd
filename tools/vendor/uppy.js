// What our Uppy bundle holds. static/js/uploader.js is its only user.
export { Uppy } from "@uppy/core"
export { default as Dashboard } from "@uppy/dashboard"
export { default as XHRUpload } from "@uppy/xhr-upload"
