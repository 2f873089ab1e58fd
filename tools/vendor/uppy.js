// What our Uppy bundle holds. static/js/uploader.js is its only user.
export { Uppy } from "@uppy/core"
export { default as XHRUpload } from "@uppy/xhr-upload"
