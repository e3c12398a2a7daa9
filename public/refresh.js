// Keeps waiting pages going in browsers that know no modules. Written for the oldest of them.
(function () {
  var tag = document.currentScript || document.querySelector("script[nomodule]");
  var secs = tag ? Number(tag.getAttribute("data-refresh")) : 0;
  if (secs > 0) {
    setTimeout(function () {
      location.reload();
    }, secs * 1000);
  }
})();
