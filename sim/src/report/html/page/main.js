// The page comes alive. Without this script it still says everything, as a list.

function start() {
  const players = new Map();
  for (const section of document.querySelectorAll("section.run")) {
    const data = JSON.parse(section.querySelector("script.data").textContent);
    section.classList.add("alive");
    players.set(section.id, new Player(section, data));
  }
  const follow = (anchor) => {
    const found = /^(.+)-(\d+)-(\d+)$/.exec(anchor);
    const player = found && players.get(found[1]);
    if (!player || !player.runs[found[2]] || Number(found[3]) >= player.runs[found[2]].length) return false;
    player.select(Number(found[2]), Number(found[3]), false);
    return true;
  };
  const asked = location.hash.slice(1);
  if (follow(asked)) document.getElementById(/^(.+)-\d+-\d+$/.exec(asked)[1])?.scrollIntoView();
  window.addEventListener("hashchange", () => follow(location.hash.slice(1)));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.moment-link");
    if (!link) return;
    const anchor = link.getAttribute("href").slice(1);
    if (!follow(anchor)) return;
    event.preventDefault();
    history.replaceState(null, "", `#${anchor}`);
    link.closest("section.run").querySelector(".stage").scrollIntoView({ block: "nearest" });
  });
  document.documentElement.classList.add("ready");
}

start();
